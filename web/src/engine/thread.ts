/** A helper of the engine's worker: joins the pool of threads and never comes back. */
import { type ThreadStart, importGlue } from "./modules.js";

self.onmessage = async (event: MessageEvent<ThreadStart>): Promise<void> => {
  const { glue, module, memory, index } = event.data;
  const { default: start, pool_worker } = await importGlue(glue);
  await start({ module_or_path: module, memory });
  self.postMessage("ready");
  pool_worker?.(index);
};
