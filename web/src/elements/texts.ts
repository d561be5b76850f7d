import type { ErrorCode, FinishReason, Flavour, StepName, StepReason } from "../engine/index.js";

/** The languages of the pages. */
export type Language = "en" | "zh";

/** Every text that a page shows. */
export interface Texts {
  readonly languageName: string;
  readonly otherLanguage: string;

  readonly title: string;
  readonly tagline: string;
  readonly privacy: string;
  readonly openChat: string;
  readonly openText: string;
  readonly openSegment: string;
  readonly openSee: string;
  readonly benchTitle: string;
  readonly benchRunning: string;

  readonly chooseModel: string;
  readonly changeModel: string;
  readonly modelsHere: string;
  readonly dropTitle: string;
  readonly dropHint: string;
  readonly dropNow: string;
  readonly openFile: string;
  readonly openFolder: string;
  readonly chats: string;
  readonly continues: string;
  readonly backToChat: string;

  readonly message: string;
  readonly messageHint: string;
  readonly promptHint: string;
  readonly noModelHint: string;
  readonly send: string;
  readonly stop: string;
  readonly cancel: string;
  readonly copy: string;
  readonly copied: string;
  readonly newChat: string;
  readonly tryAgain: string;
  readonly dismiss: string;
  readonly conversation: string;
  readonly you: string;
  readonly answer: string;
  readonly completionTitle: string;
  readonly completionMode: string;
  readonly readyTitle: string;
  readonly thinking: string;

  readonly settings: string;
  readonly temperature: string;
  readonly maxTokens: string;
  readonly noLimit: string;
  readonly modelsOwn: string;

  readonly loading: (name: string) => string;
  readonly stageStart: string;
  readonly stageDownload: string;
  readonly stageLoad: string;
  readonly stageCompile: string;
  readonly ofTotal: (done: string, total: string) => string;
  readonly reading: (done: string, total: string) => string;

  readonly runsHere: string;
  readonly threads: (n: number) => string;
  readonly weights: string;
  readonly parameters: string;
  readonly context: string;
  readonly tokens: (n: string) => string;
  readonly tokensPerSecond: (n: string) => string;
  readonly readSpeed: string;
  readonly writeSpeed: string;
  readonly kernels: string;
  readonly why: string;
  readonly taken: string;
  readonly notTaken: string;
  readonly finish: Readonly<Record<FinishReason, string>>;
  readonly flavours: Readonly<Record<Flavour, string>>;
  readonly steps: Readonly<Record<StepName, string>>;
  readonly reasons: Readonly<Record<StepReason, string>>;
  readonly errors: Readonly<Record<ErrorCode, { readonly title: string; readonly next: string }>>;
}

const en: Texts = {
  languageName: "English",
  otherLanguage: "中文",

  title: "Dynasty",
  tagline: "Talk with a model, right in this tab.",
  privacy: "The model is read here and runs here. Nothing you write leaves this machine.",
  openChat: "Open the chat",
  openText: "Read texts",
  openSegment: "Cut out objects",
  openSee: "Look into pictures",
  benchTitle: "Benchmark",
  benchRunning: "Measuring…",

  chooseModel: "Choose a model",
  changeModel: "Change model",
  modelsHere: "Models on this server",
  dropTitle: "Bring your own",
  dropHint: "Drop a GGUF file, or a folder with config.json and safetensors.",
  dropNow: "Drop it here",
  openFile: "Open file",
  openFolder: "Open folder",
  chats: "chats",
  continues: "continues text",
  backToChat: "Back to the conversation",

  message: "Message",
  messageHint: "Write a message",
  promptHint: "Begin a text",
  noModelHint: "Choose a model, then write a message",
  send: "Send",
  stop: "Stop",
  cancel: "Cancel",
  copy: "Copy",
  copied: "Copied",
  newChat: "New chat",
  tryAgain: "Try again",
  dismiss: "Dismiss",
  conversation: "Conversation",
  you: "You",
  answer: "Answer",
  completionTitle: "Plain completion",
  completionMode: "This model has no chat template. It continues exactly the text you type.",
  readyTitle: "Ready. What would you like to say?",
  thinking: "Reading…",

  settings: "Settings",
  temperature: "Temperature",
  maxTokens: "Longest answer",
  noLimit: "no limit",
  modelsOwn: "the model’s own",

  loading: (name) => `Loading ${name}`,
  stageStart: "Starting the engine",
  stageDownload: "Reading the file's header",
  stageLoad: "Loading weights",
  stageCompile: "Preparing the kernels",
  ofTotal: (done, total) => `${done} of ${total}`,
  reading: (done, total) => `Reading the prompt: ${done} of ${total} tokens`,

  runsHere: "What runs here",
  threads: (n) => (n === 1 ? "1 thread" : `${n} threads`),
  weights: "Weights",
  parameters: "Parameters",
  context: "Context",
  tokens: (n) => (n === "1" ? "1 token" : `${n} tokens`),
  tokensPerSecond: (n) => `${n} tokens/s`,
  readSpeed: "Reads",
  writeSpeed: "Writes",
  kernels: "Kernels",
  why: "Why",
  taken: "used",
  notTaken: "not used",
  finish: { stop: "finished", length: "stopped at the longest length", cancelled: "stopped" },
  flavours: { simd128: "SIMD", relaxed: "relaxed SIMD", threads: "relaxed SIMD, threads" },
  steps: {
    webgpu: "WebGPU",
    subgroups: "Subgroups",
    threads: "Threads",
    relaxed_simd: "Relaxed SIMD",
    simd: "SIMD",
  },
  reasons: {
    used: "in use",
    missing: "this browser does not have it",
    no_adapter: "the browser gives no graphics adapter",
    not_asked_for: "WebAssembly was asked for",
    not_isolated: "the page is not cross-origin isolated",
    needs_relaxed_simd: "needs relaxed SIMD",
    one_thread: "one thread is enough, or all there is",
    slower: "WebAssembly was the better one in a short trial",
    no_kernels: "no kernel of this model uses them",
    failed: "it is there and could not be started",
  },
  errors: {
    aborted: { title: "Cancelled", next: "Choose a model to go on." },
    argument: { title: "That does not work", next: "Change the value and try again." },
    busy: { title: "Still at work", next: "Wait for the answer, or stop it first." },
    crashed: { title: "The engine stopped", next: "It has been started anew. Load the model again." },
    damaged: { title: "This file is damaged", next: "Download it again, or choose another model." },
    device_lost: { title: "The graphics device is gone", next: "Load the model again; on another device if it happens twice." },
    diverged: { title: "The training went astray", next: "Lower the learning rate in its recipe." },
    disposed: { title: "The model is no longer loaded", next: "Load it again." },
    internal: { title: "Something went wrong", next: "Try again, or load another model." },
    memory: { title: "Not enough memory", next: "Choose a smaller model or a smaller quantization, or close other tabs." },
    network: { title: "The model cannot be fetched", next: "Check the address and the connection. A file from your disk always works." },
    no_device: { title: "This device is not available", next: "Use another browser or a newer driver, or let the page choose the device." },
    not_found: { title: "The model is not complete", next: "Choose the whole folder with its config.json and tokenizer, or a GGUF file." },
    prompt: { title: "This text does not fit", next: "Shorten it, or begin a new chat." },
    template: { title: "The model refuses this conversation", next: "Begin a new chat." },
    unsupported: { title: "This kind of model is not known", next: "Choose a model of another family; the README names those that are known." },
  },
};

const zh: Texts = {
  languageName: "中文",
  otherLanguage: "English",

  title: "Dynasty",
  tagline: "就在这个标签页里，与模型对话。",
  privacy: "模型在这里读取，在这里运行。你写下的一切都不会离开这台设备。",
  openChat: "打开对话",
  openText: "阅读文本",
  openSegment: "抠图",
  openSee: "看图",
  benchTitle: "性能测试",
  benchRunning: "正在测量…",

  chooseModel: "选择模型",
  changeModel: "更换模型",
  modelsHere: "此服务器上的模型",
  dropTitle: "使用自己的模型",
  dropHint: "拖入 GGUF 文件，或含有 config.json 与 safetensors 的文件夹。",
  dropNow: "在此松开",
  openFile: "打开文件",
  openFolder: "打开文件夹",
  chats: "对话",
  continues: "续写",
  backToChat: "回到对话",

  message: "消息",
  messageHint: "写一条消息",
  promptHint: "写一段开头",
  noModelHint: "先选择模型，再写消息",
  send: "发送",
  stop: "停止",
  cancel: "取消",
  copy: "复制",
  copied: "已复制",
  newChat: "新对话",
  tryAgain: "重试",
  dismiss: "关闭",
  conversation: "对话内容",
  you: "你",
  answer: "回答",
  completionTitle: "纯续写",
  completionMode: "这个模型没有对话模板，它会原样接着你输入的文字往下写。",
  readyTitle: "准备好了，想聊点什么？",
  thinking: "正在阅读…",

  settings: "设置",
  temperature: "温度",
  maxTokens: "最长回答",
  noLimit: "不限",
  modelsOwn: "沿用模型设定",

  loading: (name) => `正在加载 ${name}`,
  stageStart: "启动引擎",
  stageDownload: "读取文件头",
  stageLoad: "加载权重",
  stageCompile: "准备计算内核",
  ofTotal: (done, total) => `${done} / ${total}`,
  reading: (done, total) => `正在阅读提示：${done} / ${total} 个词元`,

  runsHere: "运行情况",
  threads: (n) => `${n} 个线程`,
  weights: "权重",
  parameters: "参数量",
  context: "上下文",
  tokens: (n) => `${n} 个词元`,
  tokensPerSecond: (n) => `${n} 词元/秒`,
  readSpeed: "阅读",
  writeSpeed: "书写",
  kernels: "内核",
  why: "原因",
  taken: "已启用",
  notTaken: "未启用",
  finish: { stop: "已完成", length: "已到最长长度", cancelled: "已停止" },
  flavours: { simd128: "SIMD", relaxed: "宽松 SIMD", threads: "宽松 SIMD，多线程" },
  steps: { webgpu: "WebGPU", subgroups: "子组运算", threads: "多线程", relaxed_simd: "宽松 SIMD", simd: "SIMD" },
  reasons: {
    used: "正在使用",
    missing: "此浏览器不支持",
    no_adapter: "浏览器没有给出图形适配器",
    not_asked_for: "指定了使用 WebAssembly",
    not_isolated: "页面未处于跨源隔离状态",
    needs_relaxed_simd: "需要宽松 SIMD",
    one_thread: "只要一个线程，或只有一个核心",
    slower: "短暂试跑中 WebAssembly 更合适",
    no_kernels: "此模型的内核未使用",
    failed: "存在但无法启动",
  },
  errors: {
    aborted: { title: "已取消", next: "选择一个模型继续。" },
    argument: { title: "这样行不通", next: "修改数值后再试。" },
    busy: { title: "仍在工作", next: "等它回答完，或先停止。" },
    crashed: { title: "引擎已停止", next: "引擎已重新启动，请再次加载模型。" },
    damaged: { title: "文件已损坏", next: "重新下载，或选择其他模型。" },
    device_lost: { title: "图形设备已丢失", next: "请再次加载模型；若再次发生，请换一种设备。" },
    diverged: { title: "训练发散", next: "请降低配方中的学习率。" },
    disposed: { title: "模型已不在内存中", next: "请再次加载。" },
    internal: { title: "出错了", next: "再试一次，或加载其他模型。" },
    memory: { title: "内存不足", next: "选择更小的模型或更低的量化精度，或关闭其他标签页。" },
    network: { title: "无法获取模型", next: "检查地址与网络连接。也可以直接打开本地文件。" },
    no_device: { title: "此设备不可用", next: "换用其他浏览器或更新驱动，或让页面自行选择设备。" },
    not_found: { title: "模型不完整", next: "选择包含 config.json 与分词器的整个文件夹，或一个 GGUF 文件。" },
    prompt: { title: "文字放不下", next: "缩短文字，或开始新对话。" },
    template: { title: "模型不接受这段对话", next: "开始新对话。" },
    unsupported: { title: "不认识这种模型", next: "请选择其他系列的模型；README 列出了支持的系列。" },
  },
};

/** The catalogue. */
export const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };

/** The best language for a list of preferred ones, such as `navigator.languages`. */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    if (/^zh\b/i.test(tag)) return "zh";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}
