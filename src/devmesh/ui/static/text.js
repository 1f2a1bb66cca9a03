// Text from logs, made safe to look at: what a screen obeys or hides becomes visible. The command line has the same rule.
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;
const SHOWN_MAX = 4_000; // of one line in a list; the line's own view has all

const escaped = (char) => {
  const code = char.codePointAt(0);
  if (code === 9) return "  ";
  if (code === 10) return " ⏎ ";
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
};

export const safe = (text) => String(text ?? "").replace(HIDDEN, escaped);
export const line = (text) => {
  const whole = String(text ?? "");
  return safe(whole.length > SHOWN_MAX ? `${whole.slice(0, SHOWN_MAX)}…` : whole);
};
export const lines = (text) => String(text ?? "").split("\n").map((one) => safe(one.replace(/\r$/, "")));

// A template's text as parts, so that what varies can be told from what stays.
export const parts = (text) =>
  safe(text)
    .split(/(<[a-z*][a-z0-9_:*.-]*>)/)
    .filter(Boolean)
    .map((one) => ({ text: one, varies: /^<[a-z*][a-z0-9_:*.-]*>$/.test(one) }));

export const PRIORITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
export const GROUPS = ["crit", "crit", "crit", "err", "warn", "note", "info", "debug"];
export const group = (priority) => GROUPS[priority] ?? "info";

const two = (n) => String(n).padStart(2, "0");
const three = (n) => String(n).padStart(3, "0");
export const day = (us) => {
  const at = new Date(us / 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};
export const clock = (us, fine = true) => {
  const at = new Date(us / 1000);
  const whole = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return fine ? `${whole}.${three(at.getMilliseconds())}` : whole;
};
export const stamp = (us, fine = true) => `${day(us)} ${clock(us, fine)}`;
// Without the year where it is this one.
export const brief = (us) => {
  const whole = day(us);
  return `${Number(whole.slice(0, 4)) === new Date().getFullYear() ? whole.slice(5) : whole} ${clock(us, false).slice(0, 5)}`;
};
// How people call the zone that all times here are in, at that instant: "UTC", "GMT+1", "EST".
export const zone = (us) =>
  new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(new Date(us / 1000)).find((part) => part.type === "timeZoneName").value;
const every = (minutes) => (minutes === 60 ? "hour" : minutes >= 120 ? `${+(minutes / 60).toPrecision(3)} hours` : `${minutes} minutes`);
// What comes by plan, and did not: as the detectors say it, by the reader's clock.
export const missed = ({ line, period_min, at_us, until_us, spread_min, seen, expected }) => {
  const time = (us) => clock(us, false).slice(0, 5);
  const [said, often, last_us] = [`\`${line}\` normally comes`, `±${spread_min} min (${seen} of ${expected}`, at_us - period_min * 6e7];
  if (period_min % 1440) return `${said} every ${every(period_min)} ${often} times); not seen since ${time(last_us)} ${zone(last_us)}`;
  const days = period_min / 1440;
  const week_day = new Date(at_us / 1000).toLocaleDateString("en", { weekday: "long" });
  const [which, noun] = { 1: ["", "days"], 7: [`on ${week_day}s `, "weeks"] }[days] ?? [`every ${days} days `, "times"];
  return `${said} ${which}at ${time(at_us)} ${often} ${noun}); not seen by ${time(until_us)} ${zone(until_us)}`;
};
export const span = (seconds) => {
  for (const [unit, size] of [["d", 86_400], ["h", 3_600], ["min", 60]])
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return `${seconds} s`;
};

export const ago = (us, now = Date.now() * 1000) => {
  if (us == null) return "never";
  const seconds = Math.max(0, Math.floor((now - us) / 1e6));
  for (const [unit, size] of [["d", 86_400], ["h", 3_600], ["m", 60]])
    if (seconds >= size) return `${Math.floor(seconds / size).toLocaleString("en")}${unit} ago`;
  return `${seconds}s ago`;
};
export const count = (n) => (n ?? 0).toLocaleString("en");
export const short = (n) => {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]])
    if (n >= size * 0.9995) return `${(n / size).toPrecision(3).replace(/\.?0+$/, "")}${unit}`;
  return String(Math.round(n ?? 0));
};
export const size = (bytes) => {
  let n = bytes ?? 0;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (n < 1000 || unit === "GB") return unit === "B" ? `${n} B` : `${n.toFixed(1)} ${unit}`;
    n /= 1000;
  }
  return "";
};
// What the command line would do is no help on a page.
export const hint = (text) => (/^See: devmesh/.test(text ?? "") ? "" : (text ?? ""));
export const many = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
