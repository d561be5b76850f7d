import "../../src/elements/chat.js";
import { MockPort } from "../mock-port.js";

const STORY =
  "Once a small kettle lived on a windowsill. Each morning it sang to the rain, and each evening it told the stars how the rain had answered.\n\nOne night the stars asked, “Why do you sing if nobody claps?” The kettle thought for a while. “Because,” it said, “the song is warm on the inside.”";
const STORY_ZH = "从前，窗台上住着一只小水壶。每天早晨，它对着雨唱歌；每到夜晚，它又把雨的回答讲给星星听。\n\n有一晚，星星问：“没有人鼓掌，你为什么还唱？”水壶想了想，说：“因为唱歌的时候，心里是暖的。”";

const parameters = new URLSearchParams(location.search);
const chat = document.querySelector("dynasty-chat");
if (chat) {
  if (parameters.get("lang") === "zh") chat.language = "zh";
  const chats = parameters.get("mode") !== "completion";
  chat.connect = () =>
    new MockPort({
      pieces: (chat.language === "zh" ? STORY_ZH : STORY).split(/(?<=\s|[，。；：？])/),
      delayMs: Number(parameters.get("delay") ?? 15),
      info: chats ? {} : { chat: false, name: "tinystories-656k" },
      ...(parameters.get("fails") === null ? {} : { fails: "damaged" as const }),
      ...(parameters.get("stuck") === null ? {} : { stuckAt: 6 }),
    });
  chat.model = parameters.get("model") ?? undefined;
}
