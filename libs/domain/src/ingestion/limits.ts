/** Bytes of one event as JSON, before the collector completes it. */
export const EVENT_BYTES_MAX = 32 * 1024;

/** Bytes that completing an event may add: message id, receipt of a batch, type. */
export const COMPLETION_BYTES_MAX = 1_024;

/** Objects and arrays inside each other; the event itself counts one. */
export const DEPTH_MAX = 32;

export const EVENT_NAME_LENGTH_MAX = 200;
export const IDENTIFIER_LENGTH_MAX = 512;
export const MESSAGE_ID_LENGTH_MAX = 256;

/** Custom identifiers of one event. */
export const EXTERNAL_IDS_MAX = 20;
