import { Column, Entity, PrimaryColumn } from 'typeorm';

/** When someone enters (or leaves) a segment, send a template. */
@Entity({ schema: 'delivery', name: 'automations' })
export class Automation {
  /** Names this automation for ever; one made later under the same key is another. */
  @PrimaryColumn('uuid') id: string;
  @Column('text') workspace: string;
  @Column('text') key: string;
  @Column('text') segment: string;
  @Column('text', { name: 'trigger' }) on: 'entered' | 'left';
  @Column('text') template: string;
  @Column('text') purpose: string;
  /** Sends to each person once, not at each entry. */
  @Column('boolean') once: boolean;
  @Column('boolean', { name: 'include_existing' }) includeExisting: boolean;
  /** Since when it has listened to this segment and direction, epoch ms. */
  @Column('bigint', { name: 'acts_since_ms' }) actsSinceMs: number;
  @Column('bigint', { name: 'created_ms' }) createdMs: number;
  @Column('bigint', { name: 'updated_ms' }) updatedMs: number;
}
