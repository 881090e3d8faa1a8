// Drawing on a signature pad with finger, pen or mouse. Listens on the document, because a pad
// appears and goes with its dialog. Points are told from 0 to 10000 of the pad's width and height.
(() => {
  const SIZE = 10000;
  const NEAR = 40;
  const drawn = new WeakMap();
  let current = null;

  const begin = (event) => {
    const pad = event.target.closest?.(".signature-pad");
    if (!pad) return;
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    if (!drawn.has(pad)) prepare(pad);
    current = { pad, stroke: [point(pad, event)] };
    drawn.get(pad).push(current.stroke);
  };

  const follow = (event) => {
    if (!current) return;
    const [x, y] = point(current.pad, event);
    const [lastX, lastY] = current.stroke.at(-1);
    if (Math.hypot(x - lastX, y - lastY) < NEAR || current.stroke.length >= 2000) return;
    current.stroke.push([x, y]);
    draw(current.pad, [lastX, lastY], [x, y]);
  };

  const end = () => {
    if (!current) return;
    const { pad } = current;
    current = null;
    pad.dispatchEvent(new CustomEvent("strokes", { detail: drawn.get(pad) }));
  };

  const prepare = (pad) => {
    pad.width = pad.clientWidth * devicePixelRatio;
    pad.height = pad.clientHeight * devicePixelRatio;
    drawn.set(pad, []);
  };

  const point = (pad, event) => {
    const box = pad.getBoundingClientRect();
    const part = (place, begins, length) =>
      Math.max(0, Math.min(SIZE, Math.round(((place - begins) / length) * SIZE)));
    return [part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)];
  };

  const draw = (pad, from, to) => {
    const pen = pad.getContext("2d");
    pen.lineWidth = 2.4 * devicePixelRatio;
    pen.lineCap = "round";
    pen.strokeStyle = "#1b2733";
    pen.beginPath();
    pen.moveTo((from[0] / SIZE) * pad.width, (from[1] / SIZE) * pad.height);
    pen.lineTo((to[0] / SIZE) * pad.width, (to[1] / SIZE) * pad.height);
    pen.stroke();
  };

  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
})();
