// The HTTP API as the pages call it: an ended session leads to the sign-in and back here, an error is told in its words.
export class Refused extends Error {
  constructor(body, status) {
    super(body.message || `The server answers ${status}.`);
    this.hint = body.hint || "";
    this.status = status;
  }
}

let leaving = false;
export const signIn = () => {
  if (leaving) return; // several questions may be refused at once
  leaving = true;
  const here = location.pathname + location.search;
  location.assign(`/ui/sign-in?next=${encodeURIComponent(here)}`);
};

export async function call(path, { method = "GET", json, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      body: json === undefined ? undefined : JSON.stringify(json),
      headers: json === undefined ? {} : { "Content-Type": "application/json" },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ message: "The server does not answer.", hint: "Is it running? This page tries again when you do." }, 0);
  }
  if (answer.status === 401) signIn();
  if (answer.ok) return answer.json();
  throw new Refused(await answer.json().catch(() => ({})), answer.status);
}

export const query = (pairs) => {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(pairs))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== null && one !== "") made.append(name, one);
  return made;
};

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain HTTP there is no clipboard of that kind.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export const typing = (event) =>
  event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, [contenteditable]");
