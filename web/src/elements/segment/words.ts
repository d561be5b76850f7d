import type { Language } from "../texts.js";

/** Every text that only the page of masks shows. */
export interface Words {
  readonly title: string;
  readonly lead: string;
  readonly looking: string;
  readonly hint: string;
  readonly clickMeans: string;
  readonly inside: string;
  readonly outside: string;
  readonly picture: string;
  readonly undo: string;
  readonly redo: string;
  readonly clear: string;
  readonly everything: string;
  /** The same, where nothing was certain enough. */
  readonly uncertain: string;
  readonly searching: (done: string, total: string, found: string) => string;
  readonly comparing: (done: string, total: string) => string;
  readonly wordsField: string;
  readonly wordsHint: string;
  readonly find: string;
  readonly chooseMatcher: string;
  readonly changeMatcher: string;
  readonly matcherTitle: string;
  readonly matcherLead: string;
  readonly back: string;
  readonly object: (n: string) => string;
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
}

const en: Words = {
  title: "Cut anything out",
  lead: "A click is enough. Model and picture stay in this tab.",
  looking: "The model looks at the picture…",
  hint: "Click on it, or beside it with shift; drag a box around it. By keyboard: arrows, then Enter.",
  clickMeans: "A click means",
  inside: "+ Object",
  outside: "− Beside it",
  picture: "Picture; click to choose an object, or move a cross with the arrow keys and press Enter",
  undo: "Undo",
  redo: "Redo",
  clear: "Clear",
  everything: "Everything",
  uncertain: "Everything, uncertain ones too",
  searching: (done, total, found) => `${done} of ${total} points, ${found} masks`,
  comparing: (done, total) => `${done} of ${total} objects compared with the words`,
  wordsField: "Find by words",
  wordsHint: "a red roof",
  find: "Find",
  chooseMatcher: "Choose a CLIP model",
  changeMatcher: "The model that knows the words",
  matcherTitle: "A model that knows words",
  matcherLead: "CLIP compares every object in the picture with your words.",
  back: "Back",
  object: (n) => `Object ${n}`,
  preview: "Preview under the pointer",
  candidates: "Masks",
  candidate: (n, score) => `Mask ${n}, score ${score}`,
  objects: (n) => (n === "1" ? "1 object" : `${n} objects`),
  noObjects: "No mask of this picture is sure enough.",
  save: "Save",
  maskPng: "Mask (PNG)",
  cutOut: "Cut-out (PNG)",
  svg: "SVG",
  polygons: "Polygons (JSON)",
  coco: "COCO (JSON)",
  took: (milliseconds) => `${milliseconds} ms`,
};

const zh: Words = {
  title: "抠出任何物体",
  lead: "点一下即可。模型和图片都留在这个标签页里。",
  looking: "模型正在看图…",
  hint: "点击物体，按住 Shift 点击排除，拖动画框。也可用方向键移动，按回车点击。",
  clickMeans: "点击表示",
  inside: "+ 物体",
  outside: "− 排除",
  picture: "图片；点击选择物体，或用方向键移动十字，按回车点击",
  undo: "撤销",
  redo: "重做",
  clear: "清除",
  everything: "全部物体",
  uncertain: "全部物体，不确定的也要",
  searching: (done, total, found) => `${total} 个点中的 ${done} 个，${found} 个掩码`,
  comparing: (done, total) => `${total} 个物体中已比较 ${done} 个`,
  wordsField: "按文字查找",
  wordsHint: "红色的屋顶",
  find: "查找",
  chooseMatcher: "选择 CLIP 模型",
  changeMatcher: "理解文字的模型",
  matcherTitle: "理解文字的模型",
  matcherLead: "CLIP 把图片中的每个物体与你的文字比较。",
  back: "返回",
  object: (n) => `物体 ${n}`,
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
};

/** By language. */
export const WORDS: Readonly<Record<Language, Words>> = { en, zh };
