import { Problem } from '@tributary/service/problem';
import type { ProfileDirectory } from '@tributary/service/profile-directory';
import type { RecipientDirectory } from '../sends/recipient-directory.postgres.js';
import type { MailLinks } from '../tracking/mail-links.js';
import { warningsOf } from './compile-template.js';
import { compiledTemplate, type RenderedMessage, renderMessage } from './render-message.js';
import type { Template, TemplateWarning } from './template.entity.js';
import { missingPaths, templateScope } from './template-scope.js';

export interface Preview extends RenderedMessage {
  /** Required paths that this person lacks: a send would end with `missing_data`. */
  readonly missing: readonly string[];
  readonly warnings: readonly TemplateWarning[];
}

/** Renders a template for a person as a send would, with links that do nothing. */
export class PreviewMaker {
  constructor(
    private readonly profiles: ProfileDirectory,
    private readonly recipients: RecipientDirectory,
    private readonly links: MailLinks,
  ) {}

  /** @throws Problem 404 for an unknown profile, 422 when the template passes its limits for this person */
  async make(template: Template, profileRef: string): Promise<Preview> {
    const profileId = await this.profiles.resolve(template.workspace, profileRef);
    const [recipient] = await this.recipients.find([{ workspace: template.workspace, profileId }]);
    if (recipient == null) throw new Problem(404, 'not_found', 'There is no profile with this id or identifier.');
    const scope = templateScope(recipient, null, this.links.ofPreview());
    try {
      const message = renderMessage(compiledTemplate(template), scope, null);
      return { ...message, missing: missingPaths(scope, template.required), warnings: warningsOf(message.html) };
    } catch {
      throw new Problem(422, 'render_failed', 'The template takes too long, or grows too large, for this person. Look for loops over long lists.');
    }
  }
}
