import { type CallOptions, expectOutcome } from "./channel.js";
import { TaskModel } from "./held.js";
import { type PictureSource, readPixels } from "./pixels.js";
import type { AttentionInfo, AttentionWanted, Label, Surroundings, ViewerInfo } from "./protocol.generated.js";

/** What a viewer is, where it runs, and why not faster. */
export type AboutViewer = Omit<ViewerInfo, "trial"> & Surroundings;

/** How pictures are classified. */
export interface ClassifyPictureOptions extends CallOptions {
  /** How many classes, 5 by default. */
  readonly topK?: number | undefined;
}

/** How pictures become vectors. */
export interface EmbedPictureOptions extends CallOptions {
  /** Whether vectors are brought to length 1, so that their products are cosines. */
  readonly normalize?: boolean | undefined;
}

/**
 * A loaded model that looks at whole pictures, such as ViT or DINOv2.
 *
 * A method that the model has no head for rejects with `unsupported`; `about` tells before.
 */
export class Viewer extends TaskModel<AboutViewer> {
  /** The likeliest classes of a picture. */
  async classify(picture: PictureSource, options: ClassifyPictureOptions = {}): Promise<readonly Label[]> {
    const { topK } = options;
    const call = { kind: "classify_picture" as const, number: this.id, picture: await readPixels(picture), ...(topK === undefined ? {} : { top_k: topK }) };
    return expectOutcome(await this.call(call, options), "labels").value;
  }

  /** A picture's vector: the model's pooled one, or its first token's. */
  async embed(picture: PictureSource, options: EmbedPictureOptions = {}): Promise<readonly number[]> {
    const call = { kind: "embed_picture" as const, number: this.id, picture: await readPixels(picture), normalize: options.normalize ?? false };
    return expectOutcome(await this.call(call, options), "vectors").value[0] ?? [];
  }

  /** Looks at a picture and keeps where: `attentionMap` is about it from now on. */
  async attend(picture: PictureSource, options: CallOptions = {}): Promise<AttentionInfo> {
    const call = { kind: "attend" as const, number: this.id, picture: await readPixels(picture) };
    return expectOutcome(await this.call(call, options), "attention").value;
  }

  /** How much the first token, or a patch, looks at each patch: by a head, the mean of a layer's, or through all layers. */
  async attentionMap(wanted: AttentionWanted = {}, options: CallOptions = {}): Promise<readonly number[]> {
    return expectOutcome(await this.call({ kind: "attention_map", number: this.id, wanted }, options), "weights").value;
  }
}
