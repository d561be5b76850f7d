/** Dynasty in a page: an engine in a worker, models, chats. */
export type { DroppedFile } from "./bytes.js";
export type { CallOptions, OnProgress, Port } from "./channel.js";
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  ChatFinish,
  StreamedChatRequest,
  Timings,
  Usage,
} from "./chat.js";
export { Dynasty, type DynastyOptions, type LoadOptions, type TrainingOptions } from "./dynasty.js";
export { DynastyError } from "./errors.js";
export { type AboutMatcher, type MatchOptions, Matcher } from "./matcher.js";
export { type GenerateOptions, Model, type ModelInfo } from "./model.js";
export type { PictureSource } from "./pixels.js";
export type * from "./protocol.generated.js";
export { type AboutReader, type AnswerOptions, type ClassifyOptions, type EmbedOptions, type FillMaskOptions, Reader, type TranslateOptions, type WriteOptions } from "./reader.js";
export { type AboutSegmenter, type FindOptions, type Prompt, Segmenter, maskPixels } from "./segmenter.js";
export type { ModelSource } from "./source.js";
export { type TrainOptions, Training, type TrainingInfo } from "./training.js";
export { type AboutViewer, type ClassifyPictureOptions, type EmbedPictureOptions, Viewer } from "./viewer.js";
