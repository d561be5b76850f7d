import { type CallOptions, expectOutcome } from "./channel.js";
import { TaskModel } from "./held.js";
import type { Matcher } from "./matcher.js";
import { type PictureSource, readPixels } from "./pixels.js";
import type { EverythingOptions, FoundMask, MaskPrompt, MaskRuns, Outlines, SeerInfo, Surroundings, WordsWanted } from "./protocol.generated.js";

/** What a segmenter is, where it runs, and why not faster. */
export type AboutSegmenter = Omit<SeerInfo, "trial"> & Surroundings;

/** A prompt; `points` may be left out where there is a box. */
export type Prompt = Omit<MaskPrompt, "points"> & Partial<Pick<MaskPrompt, "points">>;

/** How words are looked for. */
export type FindOptions = CallOptions & Omit<WordsWanted, "text" | "everything"> & { readonly everything?: EverythingOptions };

/** A loaded model that cuts out of pictures what prompts point at. Coordinates are in the picture's pixels. */
export class Segmenter extends TaskModel<AboutSegmenter> {
  /** Looks at a picture once; prompts are about it from now on. This is the long part. */
  async setImage(picture: PictureSource, options: CallOptions = {}): Promise<void> {
    await this.call({ kind: "look", number: this.id, picture: await readPixels(picture) }, options);
  }

  /** The masks of what a prompt means, each as large as the picture. */
  async predict(prompt: Prompt, options: CallOptions = {}): Promise<readonly FoundMask[]> {
    const { points = [], ...rest } = prompt;
    return expectOutcome(await this.call({ kind: "predict", number: this.id, prompt: { points, ...rest } }, options), "masks").value;
  }

  /** All objects in the picture, with `onProgress` and `signal`. */
  async everything(options: EverythingOptions & CallOptions = {}): Promise<readonly FoundMask[]> {
    const { hooks, asked } = TaskModel.split(options);
    return expectOutcome(await this.call({ kind: "everything", number: this.id, options: asked }, hooks), "masks").value;
  }

  /**
   * The objects that words mean, the best first, with `fit`, their cosines: everything in the picture is looked for, the
   * matcher looks at each object, and those are taken that fit the words about as well as the best one. Further words
   * about the same picture, with the same options, are answered at once.
   */
  async find(text: string, matcher: Matcher, options: FindOptions = {}): Promise<readonly FoundMask[]> {
    const { hooks, asked } = TaskModel.split(options);
    const words = { everything: {}, ...asked, text };
    return expectOutcome(await this.call({ kind: "find", number: this.id, matcher: matcher.number, words }, hooks), "masks").value;
  }

  /** A mask's outlines and COCO's text of it; corners nearer than `tolerance` pixels are left out. */
  async outlines(mask: MaskRuns, tolerance = 0): Promise<Outlines> {
    return expectOutcome(await this.call({ kind: "outline", number: this.id, mask, tolerance }), "outlines").value;
  }
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
