import { TASKS } from "../src/elements/text/element.js";
import { openElement } from "./page.js";

const parameters = new URLSearchParams(location.search);
const desk = document.querySelector("dynasty-text");
if (desk) {
  desk.task = TASKS.find((task) => task === parameters.get("task")) ?? "fill_mask";
  openElement(desk);
}
