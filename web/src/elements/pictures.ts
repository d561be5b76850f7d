import type { Language } from "./texts.js";

/** A picture to work on. */
export interface Shown {
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

/** Every text about opening pictures. */
export interface PictureWords {
  readonly dropPicture: string;
  readonly openPicture: string;
  readonly samplePicture: string;
  readonly pictureUrl: string;
  readonly openUrl: string;
  readonly otherPicture: string;
  readonly badPicture: string;
}

/** By language. */
export const PICTURE_WORDS: Readonly<Record<Language, PictureWords>> = {
  en: {
    dropPicture: "Drop a picture, paste one, or open it.",
    openPicture: "Open picture",
    samplePicture: "A drawn sample",
    pictureUrl: "Address of a picture",
    openUrl: "Open",
    otherPicture: "Another picture",
    badPicture: "This is no picture that the browser can read.",
  },
  zh: {
    dropPicture: "拖入、粘贴或打开一张图片。",
    openPicture: "打开图片",
    samplePicture: "示例图",
    pictureUrl: "图片网址",
    openUrl: "打开",
    otherPicture: "换一张图片",
    badPicture: "浏览器无法读取这张图片。",
  },
};

type Draw = (context: OffscreenCanvasRenderingContext2D) => void;

const shape = (colour: string, path: Draw): Draw => (context) => {
  context.fillStyle = colour;
  context.beginPath();
  path(context);
  context.fill();
};

const land: Draw = (context) => {
  const sky = context.createLinearGradient(0, 0, 0, 480);
  sky.addColorStop(0, "#9cc7e8");
  sky.addColorStop(1, "#e9f2f7");
  context.fillStyle = sky;
  context.fillRect(0, 0, 640, 480);
  context.fillStyle = "#6fa25a";
  context.fillRect(0, 340, 640, 140);
};
const sun = shape("#f2c230", (context) => context.arc(520, 90, 48, 0, 2 * Math.PI));
const walls = shape("#b5533c", (context) => context.rect(90, 220, 170, 150));
const roof = shape("#7a2f22", (context) => (context.moveTo(70, 220), context.lineTo(175, 130), context.lineTo(280, 220)));
const trunk = shape("#5a3b22", (context) => context.rect(430, 260, 26, 120));
const crown = shape("#2f6b3a", (context) => context.arc(443, 220, 74, 0, 2 * Math.PI));
const pond = shape("#3c4a63", (context) => context.ellipse(320, 410, 70, 26, 0, 0, 2 * Math.PI));
const sail = shape("#fbf7ee", (context) => (context.moveTo(320, 120), context.lineTo(320, 320), context.lineTo(440, 320)));
const hull = shape("#7a2f22", (context) => (context.moveTo(220, 340), context.lineTo(450, 340), context.lineTo(400, 400), context.lineTo(270, 400)));
const sea = shape("#3f7fa8", (context) => context.rect(0, 370, 640, 110));

/** Pictures of our own to try the pages with; the first has the most in it. */
const SAMPLES: readonly (readonly [string, readonly Draw[]])[] = [
  ["house-and-tree.png", [land, sun, walls, roof, trunk, crown, pond]],
  ["house.png", [land, walls, roof]],
  ["tree.png", [land, trunk, crown]],
  ["sun.png", [land, sun]],
  ["boat.png", [land, sun, sea, hull, sail]],
];

/** The first of the samples. */
export async function samplePicture(): Promise<Shown> {
  const [name, canvas] = drawn(0);
  return { name, bitmap: await createImageBitmap(canvas) };
}

/** All samples, as files. */
export async function sampleFiles(): Promise<readonly File[]> {
  const file = async (i: number): Promise<File> => {
    const [name, canvas] = drawn(i);
    return new File([await canvas.convertToBlob()], name, { type: "image/png" });
  };
  return Promise.all(SAMPLES.map((_, i) => file(i)));
}

function drawn(i: number): [string, OffscreenCanvas] {
  const [name, parts] = SAMPLES[i] ?? ["", []];
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d");
  if (context) for (const part of parts) part(context);
  return [name, canvas];
}
