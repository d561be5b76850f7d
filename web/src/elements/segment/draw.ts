import { type FoundMask, type MaskRuns, maskPixels } from "../../engine/index.js";
import type { Pointed } from "./studio.js";

/** Colours of objects: red, green, blue. */
export const COLOURS: readonly (readonly [number, number, number])[] = [
  [214, 69, 48],
  [38, 120, 178],
  [53, 140, 82],
  [176, 108, 20],
  [123, 77, 178],
  [20, 136, 136],
  [196, 62, 128],
  [104, 122, 30],
];

/** A mask to draw. */
export interface Layer {
  readonly mask: MaskRuns;
  readonly colour: readonly [number, number, number];
  /** From 0 to 255. */
  readonly strength: number;
}

/** Draws masks as see-through layers, the first lowest. */
export function drawMasks(canvas: HTMLCanvasElement, layers: readonly Layer[]): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const picture = context.createImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (const { mask, colour, strength } of layers) {
    if (mask.size[0] !== height || mask.size[1] !== width) continue;
    const inside = maskPixels(mask);
    const [pixel = 0] = new Uint32Array(Uint8Array.of(...colour, strength).buffer);
    for (let i = 0; i < inside.length; i++) if (inside[i] === 1) pixels[i] = pixel;
  }
  context.putImageData(picture, 0, 0);
}

/** Draws points, a box, and the box that is being dragged. */
export function drawPointed(canvas: HTMLCanvasElement, { points, box }: Pointed, dragged: Pointed["box"], scale: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.lineWidth = 2 * scale;
  for (const [left, top, right, bottom] of [box, dragged].filter((one) => one !== undefined)) {
    context.strokeStyle = "#ffffff";
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([6 * scale, 6 * scale]);
    context.strokeStyle = "#1d1b18";
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([]);
  }
  for (const { x, y, inside } of points) {
    context.beginPath();
    context.arc(x, y, 6 * scale, 0, 2 * Math.PI);
    context.fillStyle = inside ? "#2b8a4b" : "#c23b2a";
    context.strokeStyle = "#ffffff";
    context.fill();
    context.stroke();
  }
}

/** Which of the objects lies at a place: the smallest one. */
export function objectAt(objects: readonly FoundMask[], x: number, y: number): FoundMask | undefined {
  const covers = ({ mask, box }: FoundMask): boolean => {
    if (!box || x < box[0] || y < box[1] || x >= box[2] || y >= box[3]) return false;
    const place = Math.floor(x) * mask.size[0] + Math.floor(y);
    let [at, run] = [0, 0];
    while (run < mask.counts.length && at + (mask.counts[run] ?? 0) <= place) at += mask.counts[run++] ?? 0;
    return run % 2 === 1;
  };
  return objects.filter(covers).sort((a, b) => a.area - b.area)[0];
}

/** A picture of our own to try the page with. */
export async function samplePicture(): Promise<ImageBitmap> {
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d");
  if (context) {
    const sky = context.createLinearGradient(0, 0, 0, 480);
    sky.addColorStop(0, "#9cc7e8");
    sky.addColorStop(1, "#e9f2f7");
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 480);
    context.fillStyle = "#6fa25a";
    context.fillRect(0, 340, 640, 140);
    const shape = (colour: string, draw: () => void): void => {
      context.fillStyle = colour;
      context.beginPath();
      draw();
      context.fill();
    };
    shape("#f2c230", () => context.arc(520, 90, 48, 0, 2 * Math.PI));
    shape("#b5533c", () => context.rect(90, 220, 170, 150));
    shape("#7a2f22", () => (context.moveTo(70, 220), context.lineTo(175, 130), context.lineTo(280, 220)));
    shape("#5a3b22", () => context.rect(430, 260, 26, 120));
    shape("#2f6b3a", () => context.arc(443, 220, 74, 0, 2 * Math.PI));
    shape("#3c4a63", () => context.ellipse(320, 410, 70, 26, 0, 0, 2 * Math.PI));
  }
  return createImageBitmap(canvas);
}
