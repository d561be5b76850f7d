import { type PropertyDeclarations, type TemplateResult, css, html } from "lit";

import { nameOf } from "./dropped.js";
import { ICONS } from "./icons.js";
import { ModelElement } from "./model-element.js";
import { PICTURE_WORDS, type PictureWords, type Shown, samplePicture } from "./pictures.js";

/** What the file dialogs and drops may hold that is no model. */
const PICTURE = /^image\//;

/** Every element that looks at a picture: how it is dropped, pasted, opened or drawn. */
export abstract class PictureElement extends ModelElement {
  static override properties: PropertyDeclarations = {
    picture: { type: String },
    sample: { type: String },
  };

  declare picture: string | undefined;
  /** The address of a picture to try; without one it is drawn. */
  declare sample: string | undefined;

  /** Takes a picture. */
  protected abstract show(picture: Shown): Promise<void>;

  /** Says that a picture could not be read. */
  protected abstract refuse(reason: string): void;

  override connectedCallback(): void {
    super.connectedCallback();
    globalThis.addEventListener("paste", this.onPaste);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    globalThis.removeEventListener("paste", this.onPaste);
  }

  protected get pictureWords(): PictureWords {
    return PICTURE_WORDS[this.language] ?? PICTURE_WORDS.en;
  }

  protected override drops(): TemplateResult {
    return html`<input class="photo" type="file" accept="image/*" multiple hidden @change=${this.onChosen} />${super.drops()}`;
  }

  /** The page before there is a picture. */
  protected pictureStart(title: string, lead: string, sample: () => void = () => void this.showSample()): TemplateResult {
    const { pictureWords: words } = this;
    return html`<div class="column start">
      ${this.alert()}
      <div><h1>${title}</h1><p class="lead">${lead}</p></div>
      <div class="drop">
        <p>${words.dropPicture}</p>
        <div class="row">
          <button class="button primary" @click=${() => this.openDialog("photo")}>${ICONS.file}${words.openPicture}</button>
          <button class="button" @click=${sample}>${words.samplePicture}</button>
        </div>
        <form class="url" @submit=${this.onUrl}>
          <input name="url" type="url" aria-label=${words.pictureUrl} placeholder="https://" /><button class="button">${words.openUrl}</button>
        </form>
      </div>
    </div>`;
  }

  protected override async begin(): Promise<void> {
    if (this.picture) void this.showUrl(this.picture);
    await super.begin();
  }

  protected override take(files: readonly File[]): boolean {
    const pictures = files.filter(({ type }) => PICTURE.test(type));
    if (pictures.length > 0) void this.showFiles(pictures);
    return pictures.length > 0;
  }

  /** Takes the first of some files as the picture. */
  protected async showFiles([file]: readonly File[]): Promise<void> {
    if (!file) return;
    const bitmap = await createImageBitmap(file).catch(() => undefined);
    if (!bitmap) return this.refuse(`${file.name}: ${this.pictureWords.badPicture}`);
    await this.show({ name: file.name, bitmap });
  }

  protected async showSample(): Promise<void> {
    if (this.sample) await this.showUrl(this.sample);
    else await this.show(await samplePicture());
  }

  private async showUrl(address: string): Promise<void> {
    const name = nameOf(address);
    const answer = await fetch(new URL(address, document.baseURI)).catch(() => undefined);
    if (!answer?.ok) return this.refuse(`${name}: ${this.pictureWords.badPicture}`);
    const blob = await answer.blob();
    await this.showFiles([new File([blob], name, { type: blob.type })]);
  }

  private readonly onUrl = (event: SubmitEvent): void => {
    event.preventDefault();
    const address = new FormData(event.target as HTMLFormElement).get("url");
    if (typeof address === "string" && address !== "") void this.showUrl(address);
  };

  private readonly onPaste = (event: ClipboardEvent): void => {
    this.take([...(event.clipboardData?.files ?? [])]);
  };
}

/** A pointer's place in a canvas's own pixels. */
export function placeOf(event: PointerEvent): [number, number] {
  const canvas = event.currentTarget as HTMLCanvasElement;
  const area = canvas.getBoundingClientRect();
  const along = (at: number, from: number, size: number, pixels: number): number => Math.min(pixels - 1, Math.max(0, ((at - from) / size) * pixels));
  return [along(event.clientX, area.left, area.width, canvas.width), along(event.clientY, area.top, area.height, canvas.height)];
}

/** How a picture with layers over it and tools beside it looks. */
export const pictureStyle = css`
  .studio {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 16rem;
    gap: 1.25rem;
    align-items: start;
    padding-block: 0.5rem 2rem;
  }

  .stage {
    position: relative;
    justify-self: center;
    line-height: 0;
    border-radius: calc(var(--radius) - 6px);
    overflow: hidden;
    box-shadow: var(--shadow);
    background: repeating-conic-gradient(var(--tint) 0 25%, var(--surface) 0 50%) 0 0 / 18px 18px;
    touch-action: none;
  }

  .stage canvas {
    display: block;
    width: 100%;
    height: auto;
  }

  .stage canvas + canvas {
    position: absolute;
    inset: 0;
    height: 100%;
    pointer-events: none;
  }

  .stage .picture {
    cursor: crosshair;
  }

  .stage .busy {
    position: absolute;
    inset-inline: 0;
    bottom: 0;
    padding: 0.6rem 0.9rem;
    line-height: 1.5;
    background: color-mix(in srgb, var(--paper) 86%, transparent);
    backdrop-filter: blur(4px);
    font-size: 0.875rem;
  }

  .tools {
    display: grid;
    gap: 0.9rem;
  }

  .tools h2 {
    margin: 0 0 0.35rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .url {
    display: flex;
    gap: 0.5rem;
    flex: 1 1 18rem;
  }

  .url input {
    flex: 1;
    min-width: 0;
    padding: 0.45rem 0.8rem;
    border: 1px solid var(--line);
    border-radius: 999px;
    background: var(--surface);
  }

  @media (max-width: 46rem) {
    .studio {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
