import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Something that a template's author should know, and that stops nothing. */
export interface TemplateWarning {
  readonly code: 'gmail_clip';
  readonly detail: string;
}

/** A template as it was saved, and as it was compiled then. */
@Entity({ schema: 'delivery', name: 'templates' })
export class Template {
  @PrimaryColumn('text') workspace: string;
  @PrimaryColumn('text') key: string;
  /** Counts saves, from 1. */
  @Column('integer') version: number;
  @Column('text') name: string;
  @Column('text') format: 'mjml' | 'html';
  @Column('text') language: 'liquid' | 'handlebars';
  @Column('text') subject: string;
  @Column('text', { nullable: true }) preheader: string | null;
  @Column('text') body: string;
  @Column('text', { nullable: true }) text: string | null;
  /** Paths (`profile.firstName`) without which nobody is written to. */
  @Column('jsonb') required: string[];
  /** HTML with the placeholders of the language still in it. */
  @Column('text') compiled: string;
  @Column('jsonb') warnings: TemplateWarning[];
  @Column('bigint', { name: 'created_ms' }) createdMs: number;
  @Column('bigint', { name: 'updated_ms' }) updatedMs: number;
}
