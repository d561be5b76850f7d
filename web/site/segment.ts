import "../src/elements/segment/element.js";
import { openElement } from "./page.js";

const parameters = new URLSearchParams(location.search);
const studio = document.querySelector("dynasty-segment");
if (studio) {
  studio.picture = parameters.get("picture") ?? undefined;
  studio.matcher = parameters.get("matcher") ?? undefined;
  studio.sample = new URL("./emoji.png", import.meta.url).href;
  openElement(studio);
}
