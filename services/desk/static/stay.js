// Tells the desk that somebody uses this page, at most once a minute: a session that nobody uses ends.
(() => {
  const EVERY_MS = 60000;
  let toldAt = Date.now();

  const tell = () => {
    if (Date.now() - toldAt < EVERY_MS) return;
    toldAt = Date.now();
    fetch("/session", { cache: "no-store" }).catch(() => null);
  };

  for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"])
    document.addEventListener(kind, tell, { capture: true, passive: true });
})();
