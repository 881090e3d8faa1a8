// The keyboard at the search of the top bar: "/" goes there, arrows go through what was found.
(() => {
  const typing = (element) => element?.matches?.("input, textarea, [contenteditable=true]");

  document.addEventListener("keydown", (event) => {
    const field = document.querySelector(".find.top-find input");
    if (event.key === "/" && field && !typing(event.target)) {
      event.preventDefault();
      field.focus();
      return;
    }
    const find = event.target.closest?.(".find");
    if (!find) return;
    const stops = [find.querySelector("input"), ...find.querySelectorAll(".find-link")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      stops[stops.indexOf(event.target) + step]?.focus();
    } else if (event.key === "Escape") {
      stops[0].focus();
    }
  });
})();
