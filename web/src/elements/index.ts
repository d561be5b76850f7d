/** Web components: each works in any page, with no special headers. */
export { DynastyChat } from "./chat.js";
export { DynastySee } from "./see/element.js";
export { DynastySegment } from "./segment/element.js";
export { DynastyText } from "./text/element.js";
export { type Language, TEXTS, type Texts, chooseLanguage } from "./texts.js";
