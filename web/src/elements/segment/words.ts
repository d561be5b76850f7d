import type { Language } from "../texts.js";

/** Every text that only the page of masks shows. */
export interface Words {
  readonly title: string;
  readonly lead: string;
  readonly dropPicture: string;
  readonly openPicture: string;
  readonly samplePicture: string;
  readonly pictureUrl: string;
  readonly openUrl: string;
  readonly looking: string;
  readonly hint: string;
  readonly picture: string;
  readonly otherPicture: string;
  readonly undo: string;
  readonly redo: string;
  readonly clear: string;
  readonly everything: string;
  readonly searching: (done: string, total: string, found: string) => string;
  readonly preview: string;
  readonly candidates: string;
  readonly candidate: (n: number, score: string) => string;
  readonly objects: (n: string) => string;
  readonly noObjects: string;
  readonly save: string;
  readonly maskPng: string;
  readonly cutOut: string;
  readonly svg: string;
  readonly polygons: string;
  readonly coco: string;
  readonly took: (milliseconds: string) => string;
  readonly badPicture: string;
}

const en: Words = {
  title: "Cut anything out",
  lead: "A click is enough. Model and picture stay in this tab.",
  dropPicture: "Drop a picture, paste one, or open it.",
  openPicture: "Open picture",
  samplePicture: "A drawn sample",
  pictureUrl: "Address of a picture",
  openUrl: "Open",
  looking: "The model looks at the picture…",
  hint: "Click on it, shift-click beside it, drag a box around it.",
  picture: "Picture; click to choose an object",
  otherPicture: "Another picture",
  undo: "Undo",
  redo: "Redo",
  clear: "Clear",
  everything: "Everything",
  searching: (done, total, found) => `${done} of ${total} points, ${found} masks`,
  preview: "Preview under the pointer",
  candidates: "Masks",
  candidate: (n, score) => `Mask ${n}, score ${score}`,
  objects: (n) => `${n} objects`,
  noObjects: "No mask of this picture is sure enough.",
  save: "Save",
  maskPng: "Mask (PNG)",
  cutOut: "Cut-out (PNG)",
  svg: "SVG",
  polygons: "Polygons (JSON)",
  coco: "COCO (JSON)",
  took: (milliseconds) => `${milliseconds} ms`,
  badPicture: "This is no picture that the browser can read.",
};

const zh: Words = {
  title: "抠出任何物体",
  lead: "点一下即可。模型和图片都留在这个标签页里。",
  dropPicture: "拖入、粘贴或打开一张图片。",
  openPicture: "打开图片",
  samplePicture: "示例图",
  pictureUrl: "图片网址",
  openUrl: "打开",
  looking: "模型正在看图…",
  hint: "点击物体；按住 Shift 点击排除；拖动画框。",
  picture: "图片；点击选择物体",
  otherPicture: "换一张图片",
  undo: "撤销",
  redo: "重做",
  clear: "清除",
  everything: "全部物体",
  searching: (done, total, found) => `${total} 个点中的 ${done} 个，${found} 个掩码`,
  preview: "指针下预览",
  candidates: "掩码",
  candidate: (n, score) => `掩码 ${n}，得分 ${score}`,
  objects: (n) => `${n} 个物体`,
  noObjects: "这张图片没有足够可靠的掩码。",
  save: "保存",
  maskPng: "掩码 (PNG)",
  cutOut: "抠图 (PNG)",
  svg: "SVG",
  polygons: "多边形 (JSON)",
  coco: "COCO (JSON)",
  took: (milliseconds) => `${milliseconds} 毫秒`,
  badPicture: "浏览器无法读取这张图片。",
};

/** By language. */
export const WORDS: Readonly<Record<Language, Words>> = { en, zh };
