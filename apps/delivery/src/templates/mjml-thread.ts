// Compiles MJML in a thread of its own: whoever started it can end it, and its memory is bounded.
import { parentPort } from 'node:worker_threads';
import mjml2html from 'mjml';

/** What comes back from the thread, after a first message 'ready'. */
type MjmlResult = { readonly html: string } | { readonly errors: readonly { readonly line: number; readonly message: string }[] };

async function compile(source: string): Promise<MjmlResult> {
  try {
    // MJML would fetch its default fonts from a third party, which then sees who reads; authors name fonts by mj-font.
    const options = { validationLevel: 'soft', keepComments: false, ignoreIncludes: true, fonts: {} };
    const { html, errors } = await mjml2html(source, options as object);
    if (errors.length === 0) return { html };
    return { errors: errors.map(({ line, message, tagName }) => ({ line, message: `<${tagName}> ${message}` })) };
  } catch (error) {
    return { errors: [{ line: 0, message: error instanceof Error ? error.message : String(error) }] };
  }
}

parentPort?.on('message', (source: string) => void compile(source).then((result) => parentPort?.postMessage(result)));
parentPort?.postMessage('ready');
