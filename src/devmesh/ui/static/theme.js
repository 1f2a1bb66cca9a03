// Before the first picture: dark unless this browser chose light.
"use strict";
try {
  if (localStorage.getItem("devmesh-theme") === "light") document.documentElement.dataset.theme = "light";
} catch {
  // No storage in this browser: dark.
}
