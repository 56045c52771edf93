import { request } from './client.js';

export interface Status {
  readonly services: readonly { readonly name: string; readonly state: 'ready' | 'not_ready' | 'silent' }[];
}

export function getStatus(signal: AbortSignal): Promise<Status> {
  return request('/status', { signal });
}
