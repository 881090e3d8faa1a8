// Dragging of bars on the Gantt chart with the mouse, in steps of five minutes.
// Listens on the document, because the chart is drawn anew whenever the plan changes.
(() => {
  const STEP_MINUTES = 5;
  const SLACK_PX = 5;
  let drag = null;

  const begin = (event) => {
    const bar = event.target.closest?.(".bar.movable");
    if (!bar || event.button !== 0 || event.pointerType === "touch") return;
    const track = bar.parentElement;
    drag = {
      job: bar.dataset.job,
      starts: Number(bar.dataset.begin),
      source: bar.closest("[data-row]").dataset.row,
      minutesPerPx: Number(bar.closest(".gantt").dataset.minutes) / track.clientWidth,
      x: event.clientX,
      y: event.clientY,
      box: bar.getBoundingClientRect(),
      bar,
      ghost: null,
    };
  };

  const follow = (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.ghost && Math.hypot(dx, dy) < SLACK_PX) return;
    drag.ghost ??= lift(drag);
    drag.ghost.style.transform = `translate(${dx}px, ${dy}px)`;
    drag.ghost.querySelector(".ghost-time").textContent = clock(drag.starts + 60 * shift(dx));
    document.querySelectorAll(".drop-here").forEach((each) => each.classList.remove("drop-here"));
    const { row, bar } = below(event);
    (bar ?? row)?.classList.add("drop-here");
  };

  const drop = (event) => {
    const ended = drag;
    finish();
    if (!ended?.ghost) return;
    swallowClick();
    const { row, bar } = below(event);
    row?.closest(".gantt").dispatchEvent(
      new CustomEvent("bardrop", {
        detail: {
          job_id: ended.job,
          source: ended.source,
          row: row.dataset.row,
          minutes: shift(event.clientX - ended.x, ended),
          onto: bar && bar.dataset.job !== ended.job ? bar.dataset.job : null,
        },
      }),
    );
  };

  const finish = () => {
    drag?.ghost?.remove();
    drag = null;
    document.body.classList.remove("dragging");
    document.querySelectorAll(".drop-here").forEach((each) => each.classList.remove("drop-here"));
  };

  const lift = ({ bar, box }) => {
    const ghost = bar.cloneNode(true);
    ghost.removeAttribute("data-testid");
    ghost.classList.add("ghost");
    Object.assign(ghost.style, {
      left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px`,
    });
    const time = document.createElement("div");
    time.className = "ghost-time";
    ghost.append(time);
    document.body.append(ghost);
    document.body.classList.add("dragging");
    return ghost;
  };

  const shift = (dx, { minutesPerPx } = drag) =>
    Math.round((dx * minutesPerPx) / STEP_MINUTES) * STEP_MINUTES;

  const below = (event) => {
    const element = document.elementFromPoint(event.clientX, event.clientY);
    return { row: element?.closest("[data-row]"), bar: element?.closest(".bar") };
  };

  const clock = (seconds) =>
    new Date(1000 * seconds).toLocaleTimeString("en-GB", {
      hour: "2-digit", minute: "2-digit", timeZone: document.querySelector(".gantt").dataset.zone,
    });

  const swallowClick = () => {
    const swallow = (event) => event.stopPropagation();
    document.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => document.removeEventListener("click", swallow, { capture: true }));
  };

  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", finish);
  document.addEventListener("keydown", (event) => event.key === "Escape" && finish());
})();
