import type { Language } from "../texts.js";
import type { Panel } from "./eye.js";

/** Every text that only the page of seeing models shows. */
export interface Words {
  readonly panels: Readonly<Record<Panel, { readonly name: string; readonly lead: string }>>;
  readonly looking: string;
  readonly picture: string;
  readonly write: string;
  readonly writeHint: string;
  readonly wipe: string;
  readonly classes: string;
  readonly noClasses: string;
  readonly attention: string;
  readonly attentionHint: string;
  readonly showAttention: string;
  readonly layer: string;
  readonly layerName: (n: number) => string;
  readonly rollout: string;
  readonly head: string;
  readonly headName: (n: number) => string;
  readonly mean: string;
  readonly fromPicture: string;
  readonly fromPatch: (row: number, column: number) => string;
  readonly labels: string;
  readonly exampleLabels: string;
  readonly template: string;
  readonly compare: string;
  readonly query: string;
  readonly queryHint: string;
  readonly find: string;
  readonly add: string;
  readonly addSamples: string;
  readonly clear: string;
  readonly empty: string;
  readonly pictures: (n: string) => string;
  readonly collecting: (done: string, total: string) => string;
  readonly goOn: string;
  readonly sorted: (query: string) => string;
  readonly otherModel: string;
  readonly took: (milliseconds: string) => string;
}

const en: Words = {
  panels: {
    classify: { name: "Classify", lead: "What is in a picture, and where the model looks for it. Picture and model stay in this tab." },
    match: { name: "Your own labels", lead: "CLIP was trained on pictures with their captions: it says which of your words fit a picture." },
    search: { name: "Search pictures", lead: "Pictures become vectors once; then a sentence finds those that fit it." },
  },
  looking: "The model looks at the picture…",
  picture: "Picture; point at a patch, or move with the arrow keys, to see where it looks",
  write: "Write a digit",
  writeHint: "With mouse, finger or pen; the keys 0 to 9 write one for you.",
  wipe: "Wipe",
  classes: "Classes",
  noClasses: "This model has no classes; it shows where it looks.",
  attention: "Attention",
  attentionHint: "The redder a patch, the more it is looked at. Point at a patch to see where that one looks.",
  showAttention: "Show it over the picture",
  layer: "Layer",
  layerName: (n) => `Layer ${n}`,
  rollout: "All layers (rollout)",
  head: "Head",
  headName: (n) => `Head ${n}`,
  mean: "Mean of all heads",
  fromPicture: "Seen from the class token",
  fromPatch: (row, column) => `Seen from the patch in row ${row}, column ${column}`,
  labels: "Labels, one a line",
  exampleLabels: "house\ntree\ncat\nboat on a lake",
  template: "Sentence around a label",
  compare: "Compare",
  query: "What the picture shows",
  queryHint: "a house by a tree",
  find: "Search",
  add: "Add pictures",
  addSamples: "Drawn samples",
  clear: "Clear",
  empty: "Drop pictures, paste them, or open them.",
  pictures: (n) => (n === "1" ? "1 picture" : `${n} pictures`),
  collecting: (done, total) => `${done} of ${total} pictures seen`,
  goOn: "Look at the rest",
  sorted: (query) => `Best match for “${query}” first`,
  otherModel: "The loaded model is for something else.",
  took: (milliseconds) => `${milliseconds} ms`,
};

const zh: Words = {
  panels: {
    classify: { name: "分类", lead: "图片里有什么，模型又在看哪里。图片和模型都留在这个标签页里。" },
    match: { name: "自定标签", lead: "CLIP 用图片和说明文字训练而成：它说出你的哪些词符合图片。" },
    search: { name: "搜图", lead: "图片只需转换成向量一次，之后用一句话就能找到符合的图片。" },
  },
  looking: "模型正在看图…",
  picture: "图片；指向一个图块，或用方向键移动，查看它在看哪里",
  write: "写一个数字",
  writeHint: "用鼠标、手指或笔来写；按 0 到 9 键可代写。",
  wipe: "擦掉",
  classes: "类别",
  noClasses: "这个模型没有类别，只显示它在看哪里。",
  attention: "注意力",
  attentionHint: "图块越红，越受关注。指向一个图块，查看它在看哪里。",
  showAttention: "叠加在图片上",
  layer: "层",
  layerName: (n) => `第 ${n} 层`,
  rollout: "全部层（rollout）",
  head: "头",
  headName: (n) => `第 ${n} 头`,
  mean: "所有头的平均",
  fromPicture: "从类别词元看",
  fromPatch: (row, column) => `从第 ${row} 行第 ${column} 列的图块看`,
  labels: "标签，每行一个",
  exampleLabels: "house\ntree\ncat\nboat on a lake",
  template: "标签所在的句子",
  compare: "比较",
  query: "图片的内容",
  queryHint: "a house by a tree",
  find: "搜索",
  add: "添加图片",
  addSamples: "示例图",
  clear: "清空",
  empty: "拖入、粘贴或打开多张图片。",
  pictures: (n) => `${n} 张图片`,
  collecting: (done, total) => `${total} 张图片中已看 ${done} 张`,
  goOn: "继续看其余图片",
  sorted: (query) => `最符合“${query}”的排在前面`,
  otherModel: "已加载的模型有别的用途。",
  took: (milliseconds) => `${milliseconds} 毫秒`,
};

/** By language. */
export const WORDS: Readonly<Record<Language, Words>> = { en, zh };
