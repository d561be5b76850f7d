import type { ReaderTask } from "../../engine/index.js";
import type { Language } from "../texts.js";

/** What is said about a task. */
interface TaskWords {
  readonly name: string;
  /** What it is for, in a sentence. */
  readonly lead: string;
  /** The label of the text field. */
  readonly field: string;
  /** A text to begin with. */
  readonly example: string;
}

/** Every text that only the page of reading models shows. */
export interface Words {
  readonly tasks: Readonly<Record<ReaderTask, TaskWords>>;
  readonly run: string;
  readonly running: string;
  readonly question: string;
  readonly exampleQuestion: string;
  readonly fromLanguage: string;
  readonly toLanguage: string;
  readonly languageHint: string;
  readonly beams: string;
  readonly result: string;
  readonly tokens: (n: string) => string;
  readonly cut: (longest: string) => string;
  readonly nothingFound: string;
  readonly copyJson: string;
  readonly gap: (n: number) => string;
  readonly otherTask: (task: string) => string;
  readonly noTask: string;
  readonly took: (milliseconds: string) => string;
}

const en: Words = {
  tasks: {
    fill_mask: {
      name: "Fill gaps",
      lead: "A model that was trained on gaps says which words may have stood there.",
      field: "A text with gaps",
      example: "The capital of France is [MASK].",
    },
    embed: {
      name: "Compare",
      lead: "Each line becomes a vector; the closer the vectors, the closer the meanings.",
      field: "One text a line",
      example: "A cat sleeps on the sofa.\nThe kitten naps on the couch.\nInterest rates rose again.",
    },
    classify: {
      name: "Classify",
      lead: "Which of its classes does the model see in a text?",
      field: "A text",
      example: "I loved every minute of it.",
    },
    entities: {
      name: "Find names",
      lead: "Marks the words that belong to a class, such as people, places and firms.",
      field: "A text",
      example: "Ada Lovelace met Charles Babbage in London.",
    },
    answer: {
      name: "Answer",
      lead: "Finds the stretch of a text that answers a question.",
      field: "The text in which the answer stands",
      example: "Mount Everest is 8,849 metres high. It was first climbed in 1953 by Edmund Hillary and Tenzing Norgay.",
    },
    translate: {
      name: "Translate",
      lead: "Reads the whole text, then writes it in another language.",
      field: "A text",
      example: "The house is small.",
    },
    summarize: {
      name: "Summarise",
      lead: "Reads a long text and writes a short one.",
      field: "A text",
      example:
        "The tower is 324 metres tall, about the same height as an 81-storey building. It was the tallest structure in the world for 41 years, until a tower in New York was finished in 1930.",
    },
  },
  run: "Run",
  running: "Running…",
  question: "Question",
  exampleQuestion: "How high is Mount Everest?",
  fromLanguage: "From",
  toLanguage: "Into",
  languageHint: "the model's own",
  beams: "Beams",
  result: "Result",
  tokens: (n) => `${n} tokens`,
  cut: (longest) => `The model reads ${longest} tokens at most; the rest of the text is cut.`,
  nothingFound: "The model marks no word of this text.",
  copyJson: "Copy as JSON",
  gap: (n) => `Gap ${n}`,
  otherTask: (task) => `The loaded model is for “${task}”.`,
  noTask: "The loaded model has a head that no task here uses.",
  took: (milliseconds) => `${milliseconds} ms`,
};

const zh: Words = {
  tasks: {
    fill_mask: { name: "填空", lead: "模型学过填空：它说出空缺处可能是什么词。", field: "带空缺的文本", example: "巴黎是[MASK]国的首都。" },
    embed: {
      name: "比较",
      lead: "每一行变成一个向量；向量越近，意思越近。",
      field: "每行一段文本",
      example: "一只猫睡在沙发上。\n小猫在长椅上打盹。\n利率又上涨了。",
    },
    classify: { name: "分类", lead: "模型在文本中看到哪一类？", field: "文本", example: "这部电影我非常喜欢。" },
    entities: { name: "标注", lead: "标出属于某一类的词，例如人名、地名和机构名。", field: "文本", example: "钱学森曾在上海和北京学习。" },
    answer: {
      name: "问答",
      lead: "在文本中找出回答问题的那一段。",
      field: "包含答案的文本",
      example: "珠穆朗玛峰海拔8848.86米，1953年由希拉里和丹增首次登顶。",
    },
    translate: { name: "翻译", lead: "先读完全文，再用另一种语言写出来。", field: "文本", example: "这座房子很小。" },
    summarize: {
      name: "摘要",
      lead: "读一段长文，写一段短文。",
      field: "文本",
      example: "这座铁塔高324米，大约相当于81层楼。它曾是世界上最高的建筑，这一纪录保持了41年，直到1930年纽约的一座大厦落成。",
    },
  },
  run: "运行",
  running: "运行中…",
  question: "问题",
  exampleQuestion: "珠穆朗玛峰有多高？",
  fromLanguage: "原文语言",
  toLanguage: "译文语言",
  languageHint: "模型自带",
  beams: "束宽",
  result: "结果",
  tokens: (n) => `${n} 个词元`,
  cut: (longest) => `模型最多读 ${longest} 个词元，其余文本被截去。`,
  nothingFound: "模型没有在这段文本中标出任何词。",
  copyJson: "复制为 JSON",
  gap: (n) => `空缺 ${n}`,
  otherTask: (task) => `已加载的模型用于“${task}”。`,
  noTask: "已加载模型的输出不适用于这里的任何任务。",
  took: (milliseconds) => `${milliseconds} 毫秒`,
};

/** By language. */
export const WORDS: Readonly<Record<Language, Words>> = { en, zh };
