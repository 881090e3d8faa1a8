// What is typed and pressed while the page still connects arrives in that order: socket.io keeps it
// until then. NiceGUI, which asks `did_handshake`, would hold each event back with a timer of its
// own, and a press could overtake what was typed before it. A page that is rendered ahead of its
// visit connects in another way and is left alone.
if (!document.prerendering) {
  Object.defineProperty(window, "did_handshake", { get: () => true, set: () => {} });
}
