import { placeOf } from "../picture-element.js";
import { objectAt } from "./draw.js";
import type { Pointed, Studio } from "./studio.js";

/** A pointer that moves less than this is a click. */
const CLICK_PX = 5;

/** Parts of the longer side that the arrow keys move by, without and with shift. */
const STEPS = [1 / 40, 1 / 200] as const;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What pointers and keys do over the picture. */
export class Pointing {
  /** Whether a click means what does not belong to the object. */
  beside = false;
  /** Whether what lies under the pointer is shown before a click. */
  hovering = true;
  /** Where the keyboard points. */
  cursor: readonly [number, number] | undefined;
  /** Where the pointer went down, and where it is. */
  private drag: { readonly from: [number, number]; to: [number, number]; moved: boolean } | undefined;

  constructor(
    private readonly studio: Studio,
    private readonly changed: () => void,
  ) {}

  /** The box that is being dragged. */
  get box(): Pointed["box"] {
    return this.drag?.moved ? boxOf(this.drag.from, this.drag.to) : undefined;
  }

  readonly onDown = (event: PointerEvent): void => {
    (event.currentTarget as HTMLCanvasElement).setPointerCapture(event.pointerId);
    const at = placeOf(event);
    this.drag = { from: at, to: at, moved: false };
  };

  readonly onMove = (event: PointerEvent): void => {
    const { drag } = this;
    const [x, y] = placeOf(event);
    if (drag && event.buttons === 1) {
      const canvas = event.currentTarget as HTMLCanvasElement;
      const step = (CLICK_PX * canvas.width) / Math.max(1, canvas.clientWidth);
      drag.to = [x, y];
      drag.moved ||= Math.hypot(x - drag.from[0], y - drag.from[1]) > step;
      this.changed();
    } else if (event.pointerType === "mouse") this.preview(x, y);
  };

  readonly onUp = (event: PointerEvent): void => {
    const { drag, studio } = this;
    this.drag = undefined;
    if (!drag || studio.state === "looking") return;
    const [x, y] = placeOf(event);
    if (drag.moved) return void studio.point({ points: [], box: boxOf(drag.from, [x, y]) });
    this.choose(x, y, event.shiftKey || event.button === 2);
  };

  readonly onCancel = (): void => {
    this.drag = undefined;
    this.changed();
  };

  readonly onLeave = (): void => this.studio.hover(undefined);

  /** Arrows move a cross over the picture, which Enter or the space bar clicks with. */
  readonly onKey = (event: KeyboardEvent): void => {
    const { studio } = this;
    if (!studio.picture || event.ctrlKey || event.metaKey || event.altKey) return;
    const { width, height } = studio.picture.bitmap;
    // The picture may be another one than the cross was moved on.
    const within = (at: number, size: number): number => Math.min(size - 0.5, Math.max(0.5, at));
    const [x, y] = this.cursor ? [within(this.cursor[0], width), within(this.cursor[1], height)] : [width / 2, height / 2];
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = Math.max(width, height) * STEPS[event.shiftKey ? 1 : 0];
      // The first arrow shows where the cross is.
      const [dx, dy] = this.cursor ? arrow : [0, 0];
      this.cursor = [within(x + dx * step, width), within(y + dy * step, height)];
      this.changed();
      this.preview(...this.cursor);
    } else if ((event.key === "Enter" || event.key === " ") && this.cursor) {
      if (studio.state !== "looking") this.choose(x, y, event.shiftKey);
    } else return;
    event.preventDefault();
  };

  readonly onBlur = (): void => {
    this.cursor = undefined;
    this.changed();
    this.studio.hover(undefined);
  };

  private preview(x: number, y: number): void {
    if (this.hovering && !this.studio.mask && !this.studio.objects) this.studio.hover({ x, y, inside: true });
  }

  /** Chooses an object that was found, or adds a point, of the other kind if `turned`. */
  private choose(x: number, y: number, turned: boolean): void {
    const { studio } = this;
    const beside = this.beside !== turned;
    const object = studio.objects && !beside ? objectAt(studio.objects, x, y) : undefined;
    if (object) studio.take(object);
    else void studio.add({ x, y, inside: !beside });
  }
}

/** Left, top, right and bottom. */
function boxOf([ax, ay]: readonly [number, number], [bx, by]: readonly [number, number]): readonly [number, number, number, number] {
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}
