import { hash } from 'node:crypto';

/** What stands for a message in the memory of messages: 128 bits as 32 hex digits. */
export function hashMessage(workspace: string, messageId: string): string {
  return hash('sha256', `message\n${workspace}\n${messageId}`, 'hex').slice(0, 32);
}

/** The same for a fact that several messages may report. Workspaces and names hold no line break. */
export function hashFact(workspace: string, name: string, fact: string): string {
  return hash('sha256', `fact\n${workspace}\n${name}\n${fact}`, 'hex').slice(0, 32);
}

/** The same for an event that a later stage had set aside and that is sent through again. */
export function hashReplay(workspace: string, replay: string): string {
  return hash('sha256', `replay\n${workspace}\n${replay}`, 'hex').slice(0, 32);
}
