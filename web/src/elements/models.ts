/** A model that the page's server offers. */
export interface LocalModel {
  readonly name: string;
  readonly url: string;
  readonly bytes: number;
  /** Such as `llama`. */
  readonly family: string;
  /** What its head is for: `generate`, `embed`, `fill_mask`, … */
  readonly task: string;
  /** Whether it has a chat template. */
  readonly template: boolean;
  /** Whether a page for its task opens with it where no other is named. */
  readonly default: boolean;
}

/** The server's models; none if it offers no list. Addresses are made absolute. */
export async function fetchModels(address: string, get: typeof fetch = fetch): Promise<readonly LocalModel[]> {
  try {
    const response = await get(address);
    if (!response.ok) return [];
    const list: unknown = await response.json();
    const base = response.url || address;
    return Array.isArray(list) ? list.flatMap((item) => readModel(item, base)) : [];
  } catch {
    // A page on a plain file server has no list, and works without one.
    return [];
  }
}

function readModel(item: unknown, base: string): LocalModel[] {
  if (typeof item !== "object" || item === null) return [];
  const { name, url, bytes, family, task, template, default: first } = item as Partial<Record<keyof LocalModel, unknown>>;
  if (typeof name !== "string" || typeof url !== "string" || !URL.canParse(url, base)) return [];
  return [
    {
      name,
      url: new URL(url, base).href,
      bytes: typeof bytes === "number" ? bytes : 0,
      family: typeof family === "string" ? family : "",
      task: typeof task === "string" ? task : "generate",
      template: template === true,
      default: first === true,
    },
  ];
}
