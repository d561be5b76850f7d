import { type CallOptions, expectOutcome } from "./channel.js";
import { TaskModel } from "./held.js";
import { type PictureSource, readPixels } from "./pixels.js";
import type { Label, SeerInfo, Surroundings } from "./protocol.generated.js";

/** What a matcher is, where it runs, and why not faster. */
export type AboutMatcher = Omit<SeerInfo, "trial"> & Surroundings;

/** How labels are matched. */
export interface MatchOptions extends CallOptions {
  /** The sentence around a label, whose place is `{}`; `a photo of a {}` by default. */
  readonly template?: string | undefined;
}

/** A loaded model that knows pictures and texts, such as CLIP. Its vectors are of length 1, their products are cosines. */
export class Matcher extends TaskModel<AboutMatcher> {
  /** How well each label fits a picture, the best first; the scores are a softmax over the labels. */
  async match(picture: PictureSource, labels: readonly string[], options: MatchOptions = {}): Promise<readonly Label[]> {
    const { template } = options;
    const call = { kind: "match" as const, number: this.id, picture: await readPixels(picture), labels: [...labels], ...(template === undefined ? {} : { template }) };
    return expectOutcome(await this.call(call, options), "labels").value;
  }

  /** A picture's vector. */
  async embedImage(picture: PictureSource, options: CallOptions = {}): Promise<readonly number[]> {
    const call = { kind: "embed_picture" as const, number: this.id, picture: await readPixels(picture), normalize: true };
    return expectOutcome(await this.call(call, options), "vectors").value[0] ?? [];
  }

  /** A text's vector. */
  async embedText(text: string, options: CallOptions = {}): Promise<readonly number[]> {
    return expectOutcome(await this.call({ kind: "embed_texts", number: this.id, texts: [text] }, options), "vectors").value[0] ?? [];
  }

  /** The number that its worker knows it by. */
  get number(): number {
    return this.id;
  }
}
