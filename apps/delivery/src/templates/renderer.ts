/** What a template may say of a person: plain JSON, no functions. */
export type TemplateScope = { readonly [name: string]: unknown };

/** Renders for one person. @throws Error when the limits of time or memory are passed */
export type Renderer = (scope: TemplateScope) => string;

/** 'html' escapes every value; 'plain' escapes none (subject, preheader, text). */
export type RenderMode = 'html' | 'plain';

/** Why a template cannot be saved, with a line number where there is one. */
export class TemplateError extends Error {}
