import { LitElement, type PropertyValues, type TemplateResult, css, html } from "lit";

import { theme } from "../theme.js";
import type { Shown } from "../pictures.js";

/** Pixels of a side, and how wide the pen is. */
const SIDE = 280;
const PEN = 22;

/** How one writes the digits, in hundredths of the side. */
const DIGITS: readonly string[] = [
  "M50 16C24 16 24 84 50 84C76 84 76 16 50 16",
  "M53 16L49 84",
  "M30 34C30 8 72 10 68 36C66 52 42 64 30 83H72",
  "M32 22C46 8 72 16 67 35C64 47 50 48 44 48C58 47 74 55 69 70C63 91 38 88 30 76",
  "M60 84V16L28 62H76",
  "M68 17H36L34 46C50 38 70 46 69 64C68 88 38 90 30 76",
  "M64 16C44 28 32 48 34 66C36 90 68 88 68 66C68 46 40 46 35 64",
  "M30 18H70L46 84",
  "M50 48C28 40 32 16 50 16C68 16 72 40 50 48C26 57 28 84 50 84C72 84 74 57 50 48",
  "M66 36C64 12 34 12 34 36C34 58 62 56 66 36L61 84",
];

type Canvas = HTMLCanvasElement | OffscreenCanvas;

function contextOf(canvas: Canvas): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | undefined {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (!context) return undefined;
  [context.lineWidth, context.lineCap, context.lineJoin, context.strokeStyle] = [PEN, "round", "round", "#1d1b18"];
  return context;
}

function clear(canvas: Canvas): void {
  const context = contextOf(canvas);
  if (!context) return;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, SIDE, SIDE);
}

function write(canvas: Canvas, digit: number): void {
  clear(canvas);
  const path = new Path2D();
  path.addPath(new Path2D(DIGITS[digit] ?? ""), { a: SIDE / 100, d: SIDE / 100 });
  contextOf(canvas)?.stroke(path);
}

/** A written digit. */
export async function digitPicture(digit: number): Promise<Shown> {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  write(canvas, digit);
  return { name: `${digit}.png`, bitmap: await createImageBitmap(canvas) };
}

/**
 * A sheet to write a digit on, by mouse, finger or pen; the keys 0 to 9 write one, Delete clears.
 *
 * Attributes: `label` (what it is), `clear` (the button's text). The event `written` has the picture.
 */
export class DynastyPad extends LitElement {
  static override properties = { label: { type: String }, clear: { type: String } };

  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        gap: 0.5rem;
        justify-items: start;
      }

      canvas {
        width: min(100%, 11rem);
        aspect-ratio: 1;
        border: 1px solid var(--line);
        border-radius: 12px;
        background: #ffffff;
        cursor: crosshair;
        touch-action: none;
      }
    `,
  ];

  declare label: string;
  declare clear: string;

  /** Where the pen is, while it is down. */
  private pen: readonly [number, number] | undefined;
  /** Whether the next stroke begins on an empty sheet. */
  private fresh = true;

  constructor() {
    super();
    [this.label, this.clear] = ["", ""];
  }

  protected override firstUpdated(_changed: PropertyValues<this>): void {
    clear(this.canvas);
  }

  protected override render(): TemplateResult {
    return html`<canvas width=${SIDE} height=${SIDE} tabindex="0" role="img" aria-label=${this.label}
        @pointerdown=${this.onDown} @pointermove=${this.onMove} @pointerup=${this.onUp} @pointercancel=${this.onUp} @keydown=${this.onKey}></canvas>
      <button class="button quiet" type="button" @click=${this.onClear}>${this.clear}</button>`;
  }

  private get canvas(): HTMLCanvasElement {
    return this.renderRoot.querySelector("canvas") as HTMLCanvasElement;
  }

  private place(event: PointerEvent): readonly [number, number] {
    const area = this.canvas.getBoundingClientRect();
    return [((event.clientX - area.left) / area.width) * SIDE, ((event.clientY - area.top) / area.height) * SIDE];
  }

  private line(to: readonly [number, number]): void {
    const context = contextOf(this.canvas);
    const from = this.pen ?? to;
    context?.beginPath();
    context?.moveTo(...from);
    context?.lineTo(...to);
    context?.stroke();
    this.pen = to;
  }

  private async tell(): Promise<void> {
    const detail: Shown = { name: this.label, bitmap: await createImageBitmap(this.canvas) };
    this.dispatchEvent(new CustomEvent("written", { detail }));
  }

  private readonly onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    if (this.fresh) clear(this.canvas);
    this.fresh = false;
    this.line(this.place(event));
  };

  private readonly onMove = (event: PointerEvent): void => {
    if (!this.pen) return;
    for (const one of event.getCoalescedEvents?.() ?? []) this.line(this.place(one));
    this.line(this.place(event));
  };

  private readonly onUp = (): void => {
    if (!this.pen) return;
    this.pen = undefined;
    void this.tell();
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Delete" || event.key === "Backspace") return this.onClear();
    if (!/^\d$/.test(event.key)) return;
    event.preventDefault();
    write(this.canvas, Number(event.key));
    this.fresh = true;
    void this.tell();
  };

  private readonly onClear = (): void => {
    clear(this.canvas);
    this.fresh = true;
  };
}

customElements.define("dynasty-pad", DynastyPad);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-pad": DynastyPad;
  }
}
