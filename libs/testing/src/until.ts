/** Waits for something to become true. @throws Error saying what did not, after `withinMs` */
export async function until(what: string, check: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`after ${withinMs} ms still not true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
