// Keeps the part of the page called #live current. Without this file the page loads itself again.
"use strict";
const every = 5000;
async function refresh() {
  if (document.hidden) return;
  const live = document.getElementById("live");
  // Whoever is selecting text or walking through links with the keyboard is not interrupted.
  if (!live || live.contains(document.activeElement) || !getSelection().isCollapsed) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (next) live.replaceChildren(...next.childNodes);
  } catch {
    // The node is away: what is shown stays, and the next try comes by itself.
  }
}
setInterval(refresh, every);
