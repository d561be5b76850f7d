import { fillTexts, pageLanguage } from "./page.js";

fillTexts(pageLanguage());
