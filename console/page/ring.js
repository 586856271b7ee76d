// Two short tones for an interruption. A browser stays silent until somebody has clicked on the page. That is fine: the
// card, the title and the spoken line say the same.

let audio = null;

document.addEventListener("pointerdown", () => (audio ??= new AudioContext()), { once: true });

/** Ring once, if the browser allows it. */
export function ring() {
  if (audio?.state !== "running") return;
  for (const [hertz, after] of [[660, 0], [880, 0.18]]) {
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const level = new GainNode(audio, { gain: 0.08 });
    tone.connect(level).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + 0.15);
  }
}
