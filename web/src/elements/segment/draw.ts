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

/** What is about to be pointed at: a box that is being dragged, the keyboard's cross. */
interface Aim {
  readonly box: Pointed["box"];
  readonly cursor: readonly [number, number] | undefined;
}

/** Draws points, a box, and what is about to be pointed at. */
export function drawPointed(canvas: HTMLCanvasElement, { points, box }: Pointed, aim: Aim, scale: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.lineWidth = 2 * scale;
  for (const [left, top, right, bottom] of [box, aim.box].filter((one) => one !== undefined)) {
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
  if (!aim.cursor) return;
  const [x, y] = aim.cursor;
  for (const [width, colour] of [[4, "#ffffff"], [2, "#1d1b18"]] as const) {
    context.lineWidth = width * scale;
    context.strokeStyle = colour;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1]] as const) {
      context.moveTo(x - 14 * dx * scale, y - 14 * dy * scale);
      context.lineTo(x + 14 * dx * scale, y + 14 * dy * scale);
    }
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
