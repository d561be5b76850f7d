import { type FoundMask, type Segmenter, maskPixels } from "../../engine/index.js";
import type { Shown } from "../pictures.js";

/** The kinds of files that masks are saved as. */
export const KINDS = ["maskPng", "cutOut", "svg", "polygons", "coco"] as const;
export type Kind = (typeof KINDS)[number];

/** A file that was made. */
export interface Saved {
  readonly name: string;
  readonly blob: Blob;
}

/** Corners nearer than this many pixels are left out of outlines. */
const TOLERANCE = 1;

/** Makes a file of masks: of one, or of all objects. */
export async function save(kind: Kind, segmenter: Segmenter, picture: Shown, masks: readonly FoundMask[]): Promise<Saved> {
  const stem = picture.name.replace(/\.[^.]*$/, "") || "picture";
  const json = (name: string, value: unknown): Saved => ({ name, blob: new Blob([JSON.stringify(value)], { type: "application/json" }) });
  const traced = () => Promise.all(masks.map(async (found) => ({ found, ...(await segmenter.outlines(found.mask, TOLERANCE)) })));
  const { width, height } = picture.bitmap;
  switch (kind) {
    case "maskPng":
      return { name: `${stem}-mask.png`, blob: await png(picture, masks, "mask") };
    case "cutOut":
      return { name: `${stem}-cut.png`, blob: await png(picture, masks, "cut") };
    case "svg": {
      const path = (polygons: readonly (readonly (readonly [number, number][])[])[]): string =>
        polygons.flat().map((ring) => `M${ring.map(([x, y]) => `${x} ${y}`).join("L")}Z`).join("");
      const paths = (await traced()).map(({ polygons }, i) => `<path id="mask-${i}" fill-rule="evenodd" d="${path(polygons)}"/>`);
      const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">${paths.join("")}</svg>`;
      return { name: `${stem}.svg`, blob: new Blob([text], { type: "image/svg+xml" }) };
    }
    case "polygons":
      return json(`${stem}-polygons.json`, { width, height, objects: (await traced()).map(({ found, polygons }) => ({ score: found.score, box: found.box, polygons })) });
    case "coco": {
      const annotations = (await traced()).map(({ found, rle }, i) => {
        const [left, top, right, bottom] = found.box ?? [0, 0, 0, 0];
        const segmentation = { size: found.mask.size, counts: rle };
        return { id: i + 1, image_id: 1, segmentation, bbox: [left, top, right - left, bottom - top], area: found.area, predicted_iou: found.score, stability_score: found.stability };
      });
      return json(`${stem}-coco.json`, { images: [{ id: 1, file_name: picture.name, width, height }], annotations });
    }
  }
}

async function png({ bitmap }: Shown, masks: readonly FoundMask[], what: "mask" | "cut"): Promise<Blob> {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("there is no canvas to draw on");
  if (what === "cut") context.drawImage(bitmap, 0, 0);
  const picture = context.getImageData(0, 0, width, height);
  const inside = new Uint8Array(width * height);
  for (const { mask } of masks) maskPixels(mask).forEach((value, i) => (inside[i] = (inside[i] ?? 0) | value));
  inside.forEach((value, i) => {
    if (what === "cut") picture.data[4 * i + 3] = value === 1 ? (picture.data[4 * i + 3] ?? 0) : 0;
    else picture.data.set(value === 1 ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * i);
  });
  context.putImageData(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
