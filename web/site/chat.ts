import "../src/elements/chat.js";
import { numberParameter, openElement } from "./page.js";

const chat = document.querySelector("dynasty-chat");
if (chat) {
  chat.temperature = numberParameter("temperature");
  chat.maxTokens = numberParameter("max_tokens");
  openElement(chat);
}
