// Keeps the board in the frame going for as long as the screen is on. This page never reloads
// itself, so that it survives whatever the frame runs into while the desk or the network is unavailable.
(() => {
  const EVERY_MS = 5000;
  const SILENCE_MS = 15000;
  const frame = document.querySelector("iframe");
  const board = `/stores/${location.pathname.split("/")[2]}/board`;
  let heardAt = 0;

  addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.data === "board alive") heardAt = Date.now();
  });

  const watch = async () => {
    const answer = await fetch("/session", { cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) location.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
    else if (answer?.ok && Date.now() - heardAt > SILENCE_MS) {
      heardAt = Date.now();
      frame.src = board;
    }
  };

  watch();
  setInterval(watch, EVERY_MS);
})();
