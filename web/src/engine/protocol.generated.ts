// Generated from crate/wasm/src by its tests: do not edit.

/**
 * A part of the text.
 */
export type Answer = {
/**
 * The product of the probabilities of its ends.
 */
score: number,
/**
 * The first character.
 */
start: number,
/**
 * Behind the last character.
 */
end: number,
/**
 * The text.
 */
answer: string, };

/**
 * What there is to see of a model's attention in a picture.
 */
export type AttentionInfo = {
/**
 * Rows and columns of patches.
 */
grid: [number, number],
/**
 * The part of the picture that the patches cover: left, top, right, bottom.
 */
area: [number, number, number, number],
/**
 * Layers.
 */
layers: number,
/**
 * Heads of a layer.
 */
heads: number, };

/**
 * Which attention is shown.
 */
export type AttentionWanted = {
/**
 * A layer, counted from 0; by default what flows through all of them (attention rollout).
 */
layer?: number,
/**
 * A head of the layer; by default the mean of all.
 */
head?: number,
/**
 * The patch that looks, counted row by row; by default the first token, which stands for the whole picture.
 */
patch?: number, };

/**
 * What a benchmark measures.
 */
export type BenchOptions = {
/**
 * Tokens of the prompt.
 */
prompt?: number,
/**
 * Tokens that are written.
 */
tokens?: number,
/**
 * Measured runs after one that warms up.
 */
runs?: number, };

/**
 * A finished answer.
 */
export type Completion = {
/**
 * The new tokens, without the end token.
 */
token_ids: Array<number>,
/**
 * Their text.
 */
text: string,
/**
 * Why it ended.
 */
finish_reason: FinishReason,
/**
 * Tokens of the prompt.
 */
prompt_tokens: number,
/**
 * Tokens of the prompt that were held from before.
 */
cached_tokens: number,
/**
 * Milliseconds from the call to the first token.
 */
prefill_ms: number,
/**
 * Milliseconds from the first token to the last.
 */
decode_ms: number, };

/**
 * Where a model shall run.
 */
export type DeviceChoice = "auto" | "webgpu" | "wasm";

/**
 * Words of one class that follow each other.
 */
export type Entity = {
/**
 * The class, without `B-` or `I-`.
 */
label: string,
/**
 * The mean of the words' probabilities.
 */
score: number,
/**
 * The text.
 */
word: string,
/**
 * The first character.
 */
start: number,
/**
 * Behind the last character.
 */
end: number, };

/**
 * The kinds of error. A kind never changes its meaning.
 */
export type ErrorCode = "aborted" | "argument" | "busy" | "crashed" | "damaged" | "device_lost" | "diverged" | "disposed" | "internal" | "memory" | "network" | "no_device" | "not_found" | "prompt" | "template" | "unsupported";

/**
 * How everything is looked for. What is left out is as in the reference.
 */
export type EverythingOptions = {
/**
 * Points a side of the grid, 32 by default.
 */
points_per_side?: number,
/**
 * Points that are asked at once, 16 by default.
 */
points_per_batch?: number,
/**
 * The least overlap with a true mask that the model expects, 0.88 by default.
 */
pred_iou_thresh?: number,
/**
 * How stable a mask must be, 0.95 by default.
 */
stability_score_thresh?: number,
/**
 * How far the threshold is moved to see whether a mask is stable, 1 by default.
 */
stability_score_offset?: number,
/**
 * Logits above it are inside, 0 by default.
 */
mask_threshold?: number,
/**
 * Of two masks whose boxes overlap more than this one is dropped, 0.7 by default.
 */
box_nms_thresh?: number,
/**
 * Further rounds on crops, 0 by default.
 */
crop_n_layers?: number,
/**
 * Of two masks of different crops whose boxes overlap more than this one is dropped, 0.7 by default.
 */
crop_nms_thresh?: number,
/**
 * How much crops of the first round overlap, as a part of the picture's shorter side.
 */
crop_overlap_ratio?: number,
/**
 * By what the points a side are divided from round to round, 1 by default.
 */
crop_n_points_downscale_factor?: number,
/**
 * Holes and islands of fewer pixels are removed, 0 by default.
 */
min_mask_region_area?: number, };

/**
 * The figures of a benchmark.
 */
export type Figures = {
/**
 * Tokens of the prompt per second, median.
 */
prefill_tokens_per_s: number,
/**
 * New tokens per second, median.
 */
decode_tokens_per_s: number,
/**
 * Milliseconds of loading.
 */
load_ms: number,
/**
 * Bytes of wasm memory and GPU buffers.
 */
peak_rss_bytes: number,
/**
 * Bytes of the weights on the device.
 */
weight_bytes: number,
/**
 * The device.
 */
device: string,
/**
 * What really ran.
 */
kernels: Array<string>,
/**
 * Why this device.
 */
reason: string,
/**
 * What a new token costs the device.
 */
per_token: RunCost,
/**
 * Every run: prefill and decode, tokens per second.
 */
runs: Array<[number, number]>, };

/**
 * A word that a mask may stand for.
 */
export type Filled = {
/**
 * Its probability.
 */
score: number,
/**
 * Its token.
 */
token: number,
/**
 * The token's text.
 */
token_str: string,
/**
 * The text with it.
 */
sequence: string, };

/**
 * Why an answer ended.
 */
export type FinishReason = "stop" | "length" | "cancelled";

/**
 * The wasm modules.
 */
export type Flavour = "simd128" | "relaxed" | "threads";

/**
 * A mask that was found.
 */
export type FoundMask = {
/**
 * The mask, as large as the picture.
 */
mask: MaskRuns,
/**
 * How much the model expects it to overlap with a true one.
 */
score: number,
/**
 * How little it changes with the threshold.
 */
stability: number,
/**
 * Left, top, right and bottom; nothing for an empty mask.
 */
box?: [number, number, number, number],
/**
 * Pixels.
 */
area: number,
/**
 * How well the words fit that were looked for, as a cosine.
 */
fit?: number, };

/**
 * A text that was written.
 */
export type Generated = {
/**
 * The text, without special tokens.
 */
text: string,
/**
 * Its tokens, without the one that ends it.
 */
token_ids: Array<number>,
/**
 * Why it ended.
 */
finish: FinishReason, };

/**
 * A class and how likely it is.
 */
export type Label = {
/**
 * The model's word for it.
 */
label: string,
/**
 * Its probability; the plain value where the model predicts a number.
 */
score: number, };

/**
 * What a loaded model is and where it runs.
 */
export type LoadedInfo = {
/**
 * The name of its folder or file.
 */
name: string,
/**
 * The family, such as `llama`.
 */
family: string,
/**
 * Weight values.
 */
parameters: number,
/**
 * Bytes of the weights on the device.
 */
bytes: number,
/**
 * Tensors in its files.
 */
tensors: number,
/**
 * Tokens a conversation can hold.
 */
context: number,
/**
 * Where it runs.
 */
device: RunsOn,
/**
 * The device in words.
 */
device_name: string,
/**
 * The matrix kernels.
 */
kernels: Array<string>,
/**
 * Why this device, in words.
 */
reason: string,
/**
 * Whether it continues texts.
 */
writes: boolean,
/**
 * Whether it has a chat template; without one it only continues texts.
 */
chat: boolean, };

/**
 * A mask of a text.
 */
export type Mask = {
/**
 * Its place among the tokens.
 */
position: number,
/**
 * What it may stand for, the likeliest first.
 */
candidates: Array<Filled>, };

/**
 * What is meant: at least one of points and a box.
 */
export type MaskPrompt = {
/**
 * Points on it and beside it.
 */
points: Array<PromptPoint>,
/**
 * Left, top, right and bottom of a box around it.
 */
box?: [number, number, number, number],
/**
 * The number of the mask of the last answer that this prompt goes on from.
 */
previous?: number,
/**
 * Whether one mask is wanted or three; by default three for a single point, which may mean several things.
 */
multimask?: boolean, };

/**
 * A mask in run lengths, column by column as COCO has them: outside, inside, outside …
 */
export type MaskRuns = {
/**
 * Height and width.
 */
size: [number, number],
/**
 * The lengths.
 */
counts: Uint32Array, };

/**
 * Who says something in a chat, and what.
 */
export type Message = {
/**
 * `system`, `user` or `assistant`, or what the model's template knows.
 */
role: string,
/**
 * The text.
 */
content: string, };

/**
 * An input of a forward pass.
 */
export type NamedTensor = {
/**
 * The reference library's name of the input.
 */
name: string,
/**
 * Lengths of the axes.
 */
shape: Array<number>,
/**
 * Values in row order.
 */
values: Array<number>, };

/**
 * A file that was made.
 */
export type NamedFile = {
/**
 * Its name.
 */
name: string,
/**
 * What it holds.
 */
bytes: Uint8Array<ArrayBuffer>, };

/**
 * What a model is that was opened for a task.
 */
export type Opened = { "task": "reader" } & ReaderInfo | { "task": "viewer" } & ViewerInfo | { "task": "matcher" } & SeerInfo | { "task": "segmenter" } & SeerInfo;

/**
 * What came of a call.
 */
export type Outcome = { "of": "load", "value": {
/**
 * Its number in further calls.
 */
model: number,
/**
 * What it is.
 */
info: LoadedInfo,
/**
 * What it runs in.
 */
surroundings: Surroundings,
/**
 * The trial that chose the device, if one was made now.
 */
trial: Trial | null, } } | { "of": "completion", "value": Completion } | { "of": "tokens", "value": Array<number> } | { "of": "tensors", "value": Array<OutputTensor> } | { "of": "figures", "value": Figures } | { "of": "pass_figures", "value": PassFigures } | { "of": "opened", "value": {
/**
 * Its number in further calls.
 */
number: number,
/**
 * What it is.
 */
about: Opened,
/**
 * What it runs in.
 */
surroundings: Surroundings, } } | { "of": "read", "value": ReadResult } | { "of": "labels", "value": Array<Label> } | { "of": "vectors", "value": Array<Array<number>> } | { "of": "attention", "value": AttentionInfo } | { "of": "weights", "value": Array<number> } | { "of": "masks", "value": Array<FoundMask> } | { "of": "outlines", "value": Outlines } | { "of": "training", "value": {
/**
 * Its number in further calls.
 */
training: number,
/**
 * What it begins with.
 */
about: TrainRecord,
/**
 * What it runs in.
 */
surroundings: Surroundings, } } | { "of": "steps", "value": {
/**
 * Whether it is.
 */
finished: boolean, } } | { "of": "files", "value": Array<NamedFile> } | { "of": "nothing" };

/**
 * A mask's outlines.
 */
export type Outlines = {
/**
 * For each part its outline, then those of its holes, as corners.
 */
polygons: Array<Array<Array<[number, number]>>>,
/**
 * COCO's text of the run lengths.
 */
rle: string, };

/**
 * An output of a forward pass.
 */
export type OutputTensor = {
/**
 * The reference library's name of the output.
 */
name: string,
/**
 * Lengths of the axes.
 */
shape: Array<number>,
/**
 * Values in row order.
 */
values: Float32Array, };

/**
 * The figures of a model that only reads, or reads before it writes.
 */
export type PassFigures = {
/**
 * Milliseconds of one forward pass, median.
 */
latency_ms: number,
/**
 * Tokens of the pass.
 */
tokens: number,
/**
 * Of a model that answers prompts, milliseconds of looking at a picture, median.
 */
encoder_ms?: number,
/**
 * Of a model that answers prompts, milliseconds of an answer to one point, median.
 */
decoder_ms?: number,
/**
 * Milliseconds of loading.
 */
load_ms: number,
/**
 * Bytes of wasm memory and GPU buffers.
 */
peak_rss_bytes: number,
/**
 * Bytes of the weights on the device.
 */
weight_bytes: number,
/**
 * The device.
 */
device: string,
/**
 * What really ran.
 */
kernels: Array<string>,
/**
 * Every run, milliseconds.
 */
runs: Array<number>, };

/**
 * A picture.
 */
export type Pixels = {
/**
 * Red, green, blue and alpha.
 */
rgba: Uint8Array<ArrayBuffer>,
/**
 * Pixels a row.
 */
width: number,
/**
 * Rows.
 */
height: number, };

/**
 * What a call is doing.
 */
export type Progress = { "stage": "start",
/**
 * Which module.
 */
flavour: Flavour, } | { "stage": "download",
/**
 * Bytes so far.
 */
done: number, } | { "stage": "load",
/**
 * Bytes so far.
 */
done: number,
/**
 * Bytes in all.
 */
total: number, } | { "stage": "compile",
/**
 * Programs so far.
 */
done: number,
/**
 * Programs in all.
 */
total: number, } | { "stage": "prefill",
/**
 * Tokens so far.
 */
done: number,
/**
 * Tokens in all.
 */
total: number, } | { "stage": "tokens",
/**
 * Tokens so far.
 */
done: number, } | { "stage": "search",
/**
 * Points that were asked.
 */
done: number,
/**
 * Points in all.
 */
total: number,
/**
 * Masks so far.
 */
found: number, } | { "stage": "describe",
/**
 * Objects so far.
 */
done: number,
/**
 * Objects in all.
 */
total: number, } | { "stage": "documents",
/**
 * Documents so far.
 */
done: number, } | { "stage": "note",
/**
 * The line.
 */
text: string, } | { "stage": "train",
/**
 * What.
 */
record: TrainRecord, };

/**
 * A place in a picture.
 */
export type PromptPoint = {
/**
 * From the left.
 */
x: number,
/**
 * From the top.
 */
y: number,
/**
 * Whether it lies on what is meant, or beside it.
 */
inside: boolean, };

/**
 * Random weights of a known shape instead of a model.
 */
export type RandomModel = {
/**
 * Such as `smollm2-135m`.
 */
shape: string,
/**
 * Such as `q8_0`.
 */
quant: string, };

/**
 * What a reader is asked.
 */
export type ReadRequest = { "task": "embed",
/**
 * The texts.
 */
texts: Array<string>,
/**
 * `mean`, `cls` or `max`; by default what the model's makers chose.
 */
pooling?: string,
/**
 * Whether vectors have length 1; by default what the model's makers chose.
 */
normalize?: boolean, } | { "task": "fill_mask",
/**
 * The text.
 */
text: string,
/**
 * Words a mask, 5 by default.
 */
top_k?: number, } | { "task": "classify",
/**
 * The texts.
 */
texts: Array<string>,
/**
 * The second text of each, if they are pairs.
 */
pairs?: Array<string>, } | { "task": "entities",
/**
 * The text.
 */
text: string, } | { "task": "answer",
/**
 * The question.
 */
question: string,
/**
 * The text in which they stand.
 */
text: string,
/**
 * Answers, 1 by default.
 */
top_k?: number,
/**
 * Tokens of an answer, 15 by default.
 */
longest?: number, } | { "task": "translate",
/**
 * The texts.
 */
texts: Array<string>,
/**
 * Their language, as the model writes it: `en`, `en_XX`.
 */
source?: string,
/**
 * The language that is wanted.
 */
target?: string,
/**
 * How it is written.
 */
writing?: Writing, } | { "task": "summarize",
/**
 * The texts.
 */
texts: Array<string>,
/**
 * How they are written.
 */
writing?: Writing, } | { "task": "tokens",
/**
 * The text.
 */
text: string, };

/**
 * What a reader says.
 */
export type ReadResult = { "task": "embed", "value": Array<Array<number>> } | { "task": "fill_mask", "value": Array<Mask> } | { "task": "classify", "value": Array<Array<Label>> } | { "task": "entities", "value": Array<Entity> } | { "task": "answer", "value": Array<Answer> } | { "task": "translate", "value": Array<Generated> } | { "task": "summarize", "value": Array<Generated> } | { "task": "tokens", "value": Array<Token> };

/**
 * What a loaded reader is.
 */
export type ReaderInfo = {
/**
 * What it is and where it runs.
 */
info: LoadedInfo,
/**
 * What it can do, its own first; nothing if its head is for something else.
 */
tasks: Array<ReaderTask>,
/**
 * How a mask is written in its texts.
 */
mask: string | null,
/**
 * Tokens of a text at most; what is longer is cut.
 */
longest: number,
/**
 * The trial that chose its device, if one was made now.
 */
trial: Trial | null, };

/**
 * What a reader can do.
 */
export type ReaderTask = "embed" | "fill_mask" | "classify" | "entities" | "answer" | "translate" | "summarize";

/**
 * What the engine tells a page. `id` is that of the call.
 */
export type Reply = { "kind": "progress",
/**
 * The call.
 */
id: number,
/**
 * What it is doing.
 */
progress: Progress, } | { "kind": "piece",
/**
 * The call.
 */
id: number,
/**
 * Never with a broken character.
 */
text: string, } | { "kind": "done",
/**
 * The call.
 */
id: number,
/**
 * What came of it.
 */
outcome: Outcome, } | { "kind": "failed",
/**
 * The call.
 */
id: number,
/**
 * The kind of error.
 */
code: ErrorCode,
/**
 * One readable line.
 */
message: string, };

/**
 * What a page asks of the engine. `id` is the call's, `model` the loaded model's.
 */
export type Request = { "kind": "load",
/**
 * The call.
 */
id: number,
/**
 * Its bytes.
 */
source: Source,
/**
 * Where it shall run.
 */
device: DeviceChoice,
/**
 * Threads in an isolated page; by default as many as there are cores.
 */
threads?: number,
/**
 * Tokens a conversation can hold.
 */
context?: number,
/**
 * The folder of the wasm modules.
 */
modules: string,
/**
 * What trials of earlier visits found.
 */
known: Array<Trial>, } | { "kind": "chat",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
model: number,
/**
 * The conversation.
 */
messages: Array<Message>,
/**
 * How to draw.
 */
sampling: Sampling, } | { "kind": "generate",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
model: number,
/**
 * The text.
 */
prompt: string,
/**
 * How to draw.
 */
sampling: Sampling, } | { "kind": "tokenize",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
model: number,
/**
 * The text.
 */
text: string, } | { "kind": "forward",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
model: number,
/**
 * By the reference library's names.
 */
inputs: Array<NamedTensor>, } | { "kind": "bench",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
model: number,
/**
 * What to measure.
 */
options: BenchOptions, } | { "kind": "dispose",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
model: number, } | { "kind": "open",
/**
 * The call.
 */
id: number,
/**
 * What it shall do.
 */
task: Task,
/**
 * Its bytes.
 */
source: Source,
/**
 * Where it shall run.
 */
device: DeviceChoice,
/**
 * Threads in an isolated page; by default as many as there are cores.
 */
threads?: number,
/**
 * The folder of the wasm modules.
 */
modules: string,
/**
 * What trials of earlier visits found.
 */
known: Array<Trial>, } | { "kind": "close",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number, } | { "kind": "read",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * What.
 */
asked: ReadRequest, } | { "kind": "classify_picture",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The picture.
 */
picture: Pixels,
/**
 * How many, 5 by default.
 */
top_k?: number, } | { "kind": "embed_picture",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The picture.
 */
picture: Pixels,
/**
 * Whether it is brought to length 1.
 */
normalize: boolean, } | { "kind": "attend",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The picture.
 */
picture: Pixels, } | { "kind": "attention_map",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * Which layer, head and patch.
 */
wanted: AttentionWanted, } | { "kind": "match",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The picture.
 */
picture: Pixels,
/**
 * The labels.
 */
labels: Array<string>,
/**
 * The sentence around a label, whose place is `{}`; `a photo of a {}` by default.
 */
template?: string, } | { "kind": "embed_texts",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The texts.
 */
texts: Array<string>, } | { "kind": "look",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The picture.
 */
picture: Pixels, } | { "kind": "predict",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * What is meant.
 */
prompt: MaskPrompt, } | { "kind": "everything",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * How it is looked for.
 */
options: EverythingOptions, } | { "kind": "find",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The matcher that knows the words.
 */
matcher: number,
/**
 * Which words.
 */
words: WordsWanted, } | { "kind": "outline",
/**
 * The call.
 */
id: number,
/**
 * The model.
 */
number: number,
/**
 * The mask.
 */
mask: MaskRuns,
/**
 * Corners nearer than this many pixels are left out.
 */
tolerance: number, } | { "kind": "train",
/**
 * The call.
 */
id: number,
/**
 * The recipe's text.
 */
recipe: string,
/**
 * The folder of the texts.
 */
texts: Source,
/**
 * The model that the recipe goes on from.
 */
start?: Source,
/**
 * Where it shall run; `auto` is the processor.
 */
device: DeviceChoice,
/**
 * Threads in an isolated page; by default as many as there are cores.
 */
threads?: number,
/**
 * The folder of the wasm modules.
 */
modules: string, } | { "kind": "train_steps",
/**
 * The call.
 */
id: number,
/**
 * The training.
 */
training: number,
/**
 * How many steps; by default all that are left.
 */
steps?: number, } | { "kind": "trained_files",
/**
 * The call.
 */
id: number,
/**
 * The training.
 */
training: number,
/**
 * Such as `q8_0` for one GGUF file of that type; by default the files of a folder.
 */
quant?: string, } | { "kind": "end_training",
/**
 * The call.
 */
id: number,
/**
 * The training.
 */
training: number, } | { "kind": "abort",
/**
 * The call.
 */
id: number, };

/**
 * What one run costs: kernels started, lists of commands given, bytes of weights read and of results copied back.
 */
export type RunCost = {
/**
 * Kernels started on a GPU.
 */
dispatches: number,
/**
 * Lists of commands given to a GPU.
 */
submits: number,
/**
 * Bytes of weights read.
 */
weight_bytes: number,
/**
 * Bytes copied back from a GPU.
 */
readback_bytes: number, };

/**
 * Where a loaded model runs.
 */
export type RunsOn = "webgpu" | "wasm";

/**
 * How tokens are drawn and when the answer ends. What is left out is the model's own default.
 */
export type Sampling = {
/**
 * 0 takes the likeliest token.
 */
temperature?: number,
/**
 * Only the likeliest k tokens.
 */
top_k?: number,
/**
 * Only the likeliest tokens that together have this probability.
 */
top_p?: number,
/**
 * Only tokens with this share of the likeliest one's probability.
 */
min_p?: number,
/**
 * The most new tokens.
 */
max_tokens?: number,
/**
 * Texts that end the answer.
 */
stop?: Array<string>,
/**
 * For the same answer again.
 */
seed?: number,
/**
 * Less likely for each time a token was written.
 */
frequency_penalty?: number,
/**
 * Less likely once a token was written.
 */
presence_penalty?: number,
/**
 * Less likely by this factor once a token was written.
 */
repetition_penalty?: number,
/**
 * Added to the logits of tokens by id.
 */
logit_bias?: Record<string, number>, };

/**
 * What a loaded model is that segments pictures, or matches them with texts.
 */
export type SeerInfo = {
/**
 * What it is and where it runs.
 */
info: LoadedInfo,
/**
 * The trial that chose its device, if one was made now.
 */
trial: Trial | null, };

/**
 * Where a model's bytes come from. Files are the browser's own objects and pass through untouched.
 */
export type Source = { "kind": "url",
/**
 * The absolute address.
 */
url: string, } | { "kind": "files",
/**
 * Their paths inside what was dropped.
 */
files: ReadonlyArray<{ readonly path: string; readonly file: File }>, } | { "kind": "random" } & RandomModel;

/**
 * A step and whether it is taken.
 */
export type Step = {
/**
 * Which.
 */
name: StepName,
/**
 * Whether it is taken.
 */
taken: boolean,
/**
 * Why.
 */
reason: StepReason, };

/**
 * A step of the ladder from the fastest way to run to the plainest.
 */
export type StepName = "webgpu" | "subgroups" | "threads" | "relaxed_simd" | "simd";

/**
 * Why a step of the ladder is taken or not.
 */
export type StepReason = "used" | "missing" | "no_adapter" | "not_asked_for" | "not_isolated" | "needs_relaxed_simd" | "one_thread" | "slower" | "no_kernels" | "failed";

/**
 * The module that runs, and why not a faster one.
 */
export type Surroundings = {
/**
 * Threads that compute.
 */
threads: number,
/**
 * The wasm module.
 */
flavour: Flavour,
/**
 * The ladder from the fastest way to run to the plainest.
 */
steps: Array<Step>, };

/**
 * What a model is opened for.
 */
export type Task = "reader" | "viewer" | "matcher" | "segmenter";

/**
 * A token of a text.
 */
export type Token = {
/**
 * Its id.
 */
id: number,
/**
 * As the vocabulary writes it.
 */
token: string,
/**
 * The first character that it stands for, and behind the last; nothing for the tokenizer's own.
 */
place: [number, number] | null, };

/**
 * What happened in a training. Losses are in nats a token, and `null` if they are no numbers.
 */
export type TrainRecord = { "kind": "run",
/**
 * Steps so far.
 */
step: number,
/**
 * Where it runs, in words.
 */
device: string,
/**
 * Weight values.
 */
parameters: number,
/**
 * Tokens to learn from.
 */
tokens: number, } | { "kind": "step",
/**
 * Steps so far.
 */
step: number,
/**
 * The loss before the change.
 */
loss: number | null,
/**
 * The learning rate.
 */
learning_rate: number,
/**
 * The norm of all gradients together, before clipping.
 */
grad_norm: number | null,
/**
 * Tokens so far.
 */
tokens: number,
/**
 * Of this step.
 */
tokens_per_s: number,
/**
 * Of training, in all.
 */
seconds: number, } | { "kind": "validation",
/**
 * Steps so far.
 */
step: number,
/**
 * The loss.
 */
loss: number, } | { "kind": "sample",
/**
 * Steps so far.
 */
step: number,
/**
 * Its beginning.
 */
prompt: string,
/**
 * What the model wrote.
 */
text: string, } | { "kind": "guard",
/**
 * Steps so far.
 */
step: number,
/**
 * `skip`, `roll_back` or `stop`.
 */
action: string,
/**
 * Why.
 */
reason: string, };

/**
 * What a timed trial of both devices found. It is worth keeping for the next visit.
 */
export type Trial = {
/**
 * The devices and the block that were timed; another key asks for another trial.
 */
key: string,
/**
 * Whether the GPU was faster.
 */
gpu: boolean,
/**
 * The times, in words.
 */
reason: string, };

/**
 * What a loaded viewer is.
 */
export type ViewerInfo = {
/**
 * What it is and where it runs.
 */
info: LoadedInfo,
/**
 * The trial that chose its device, if one was made now.
 */
trial: Trial | null,
/**
 * Whether it knows classes.
 */
classes: boolean,
/**
 * Whether it gives vectors.
 */
embeds: boolean,
/**
 * Whether it can tell where it looks.
 */
attends: boolean, };

/**
 * What words are looked for in a picture, and how.
 */
export type WordsWanted = {
/**
 * The words.
 */
text: string,
/**
 * The least cosine of an object and the words, 0.2 by default.
 */
least?: number,
/**
 * By how much an object may be worse than the best one, 0.03 by default.
 */
margin?: number,
/**
 * How the objects are looked for.
 */
everything: EverythingOptions, };

/**
 * How a text is written from another one. What is left out is as the model's files say.
 */
export type Writing = {
/**
 * What is put before each text.
 */
prefix?: string,
/**
 * Texts that are followed at once; 1 takes the likeliest token each time.
 */
num_beams?: number,
/**
 * A finished text's score is its log-probability divided by its length to this power.
 */
length_penalty?: number,
/**
 * No run of this many tokens comes twice.
 */
no_repeat_ngram_size?: number,
/**
 * The most new tokens.
 */
max_tokens?: number, };
