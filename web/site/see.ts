import { PANELS } from "../src/elements/see/element.js";
import { openElement } from "./page.js";

const parameters = new URLSearchParams(location.search);
const eye = document.querySelector("dynasty-see");
if (eye) {
  eye.panel = PANELS.find((panel) => panel === parameters.get("panel")) ?? "classify";
  eye.picture = parameters.get("picture") ?? undefined;
  openElement(eye);
}
