import { DynastyError } from "./errors.js";
import type { Pixels } from "./protocol.generated.js";

/** A picture, as a page has it. */
export type PictureSource = ImageData | ImageBitmapSource;

/** The pixels of a picture as the browser decodes it. */
export async function readPixels(picture: PictureSource): Promise<Pixels> {
  const { data, width, height } = picture instanceof ImageData ? picture : await decode(picture);
  return { rgba: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength), width, height };
}

async function decode(picture: ImageBitmapSource): Promise<ImageData> {
  const bitmap = await createImageBitmap(picture).catch((thrown: unknown) => {
    throw new DynastyError("damaged", `the picture cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new DynastyError("internal", "there is no canvas to read the picture with");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
