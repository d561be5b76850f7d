import type { AttentionInfo } from "../../engine/index.js";

/** Red, green and blue of the strongest weight. */
const COLOUR = [214, 69, 48] as const;

/** Draws how much each patch is looked at over a picture: the more, the more colour; what no patch covers is dimmed. */
export function drawHeat(canvas: HTMLCanvasElement, { grid, area }: AttentionInfo, weights: readonly number[], patch: number | undefined): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const [rows, columns] = grid;
  const small = new OffscreenCanvas(columns, rows);
  const pixels = new ImageData(columns, rows);
  const most = Math.max(...weights, 1e-9);
  weights.forEach((weight, i) => pixels.data.set([...COLOUR, Math.round(225 * Math.sqrt(Math.max(0, weight) / most))], 4 * i));
  small.getContext("2d")?.putImageData(pixels, 0, 0);
  const [left, top, right, bottom] = area;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "rgb(20 18 15 / 55%)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.clearRect(left, top, right - left, bottom - top);
  context.fillStyle = "rgb(20 18 15 / 30%)";
  context.fillRect(left, top, right - left, bottom - top);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, right - left, bottom - top);
  if (patch === undefined) return;
  const [width, height] = [(right - left) / columns, (bottom - top) / rows];
  const [x, y] = [left + (patch % columns) * width, top + Math.floor(patch / columns) * height];
  const line = Math.max(1, canvas.width / 300);
  for (const [colour, wide] of [["#ffffff", 3 * line], ["#1d1b18", line]] as const) {
    [context.strokeStyle, context.lineWidth] = [colour, wide];
    context.strokeRect(x, y, width, height);
  }
}

/** The patch at a place of the picture, if there is one. */
export function patchAt({ grid: [rows, columns], area: [left, top, right, bottom] }: AttentionInfo, [x, y]: readonly [number, number]): number | undefined {
  const column = Math.floor(((x - left) / (right - left)) * columns);
  const row = Math.floor(((y - top) / (bottom - top)) * rows);
  return row >= 0 && row < rows && column >= 0 && column < columns ? row * columns + column : undefined;
}

/** The patch that an arrow key leads to; the middle one from none. */
export function patchBeside({ grid: [rows, columns] }: AttentionInfo, patch: number | undefined, key: string): number | undefined {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key];
  if (!step) return undefined;
  if (patch === undefined) return Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  const [down = 0, right = 0] = step;
  const row = Math.min(rows - 1, Math.max(0, Math.floor(patch / columns) + down));
  const column = Math.min(columns - 1, Math.max(0, (patch % columns) + right));
  return row * columns + column;
}
