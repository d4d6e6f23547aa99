// How an answer is heard and felt, and how codes come in by camera.
const TONES = { admit: [[880, 0.12]], notice: [[660, 0.12], [660, 0.12]], refuse: [[220, 0.3], [180, 0.4]] };
const PULSES = { admit: [60], notice: [60, 80, 60], refuse: [300, 100, 300] };
const EVERY_MS = 150;

let audio;

export function sound(verdict) {
  navigator.vibrate?.(PULSES[verdict]);
  try {
    audio ??= new AudioContext();
    let start = audio.currentTime;
    for (const [pitch, length] of TONES[verdict]) {
      const tone = audio.createOscillator();
      const loudness = audio.createGain();
      loudness.gain.value = 0.25;
      tone.frequency.value = pitch;
      tone.connect(loudness).connect(audio.destination);
      tone.start(start);
      tone.stop(start + length);
      start += length + 0.06;
    }
  } catch {
    // A device without sound still shows and says the decision.
  }
}

export async function canSee() {
  return "BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats().catch(() => [])).includes("qr_code");
}

// The camera behind the button `#camera`, shown in `#video`: calls `found` with every code of these formats.
export function cameraOf(found, { formats, failed, word }) {
  let stop = null;
  const show = () => {
    const [video, button] = ["video", "camera"].map((id) => document.getElementById(id));
    video.hidden = !stop;
    button.dataset.word = stop ? "camera_off" : "camera";
    button.textContent = word(button.dataset.word);
  };
  const close = () => {
    stop?.();
    stop = null;
    show();
  };
  const toggle = async () => {
    if (stop) return close();
    stop = await watch(document.getElementById("video"), found, formats).catch(() => (failed(), null));
    return show();
  };
  return { close, toggle };
}

// Calls `found` with every code seen until the function given back is called. Raises when the camera may not be used.
async function watch(video, found, wanted) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = stream;
  await video.play();
  const known = await BarcodeDetector.getSupportedFormats();
  const detector = new BarcodeDetector({ formats: wanted.filter((format) => known.includes(format)) });
  let isOn = true;
  const look = async () => {
    if (!isOn) return;
    const [code] = await detector.detect(video).catch(() => []);
    if (code?.rawValue) await found(code.rawValue);
    setTimeout(look, EVERY_MS);
  };
  look();
  return () => {
    isOn = false;
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
}
