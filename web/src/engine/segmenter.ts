import { type Call, type CallOptions, type Channel, expectOutcome } from "./channel.js";
import { DynastyError } from "./errors.js";
import type { EverythingOptions, FoundMask, MaskPrompt, MaskRuns, Outcome, Outlines, SegmenterInfo, Surroundings } from "./protocol.generated.js";

/** What a segmenter is, where it runs, and why not faster. */
export type AboutSegmenter = Omit<SegmenterInfo, "trial"> & Surroundings;

/** A prompt; `points` may be left out where there is a box. */
export type Prompt = Omit<MaskPrompt, "points"> & Partial<Pick<MaskPrompt, "points">>;

/** A loaded model that cuts out of pictures what prompts point at. Coordinates are in the picture's pixels. */
export class Segmenter {
  private readonly generation: number;
  private disposed = false;

  constructor(
    private readonly channel: Channel,
    private readonly id: number,
    /** What it is and where it runs. */
    readonly about: AboutSegmenter,
  ) {
    this.generation = channel.generation;
  }

  /** Looks at a picture once; prompts are about it from now on. This is the long part. */
  async setImage(picture: ImageData | ImageBitmapSource, options: CallOptions = {}): Promise<void> {
    const { data, width, height } = picture instanceof ImageData ? picture : await pixels(picture);
    const rgba = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    await this.call({ kind: "look", segmenter: this.id, rgba, width, height }, options);
  }

  /** The masks of what a prompt means, each as large as the picture. */
  async predict(prompt: Prompt, options: CallOptions = {}): Promise<readonly FoundMask[]> {
    const { points = [], ...rest } = prompt;
    const outcome = await this.call({ kind: "predict", segmenter: this.id, prompt: { points, ...rest } }, options);
    return expectOutcome(outcome, "masks").value;
  }

  /** All objects in the picture, with `onProgress` and `signal`. */
  async everything(options: EverythingOptions & CallOptions = {}): Promise<readonly FoundMask[]> {
    const { signal, onProgress, ...wanted } = options;
    const outcome = await this.call({ kind: "everything", segmenter: this.id, options: wanted }, { signal, onProgress });
    return expectOutcome(outcome, "masks").value;
  }

  /** A mask's outlines and COCO's text of it; corners nearer than `tolerance` pixels are left out. */
  async outlines(mask: MaskRuns, tolerance = 0): Promise<Outlines> {
    return expectOutcome(await this.call({ kind: "outline", segmenter: this.id, mask, tolerance }, {}), "outlines").value;
  }

  /** Frees the model. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (this.generation !== this.channel.generation) return;
    await this.channel.call({ kind: "close_segmenter", segmenter: this.id });
  }

  private async call(call: Call, options: CallOptions): Promise<Outcome> {
    const { name } = this.about.info;
    if (this.disposed) throw new DynastyError("disposed", `${name}: has been disposed of`);
    if (this.generation !== this.channel.generation) throw new DynastyError("disposed", `${name}: was lost with its worker and must be loaded again`);
    return this.channel.call(call, options);
  }
}

/** The pixels of a picture as the browser decodes it. */
async function pixels(picture: ImageBitmapSource): Promise<ImageData> {
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

/** The pixels of a mask, row by row: 1 inside, 0 outside. */
export function maskPixels({ size: [height, width], counts }: MaskRuns): Uint8Array<ArrayBuffer> {
  const inside = new Uint8Array(height * width);
  let at = 0;
  counts.forEach((count, run) => {
    if (run % 2 === 1) for (let i = at; i < at + count; i++) inside[(i % height) * width + Math.floor(i / height)] = 1;
    at += count;
  });
  return inside;
}
