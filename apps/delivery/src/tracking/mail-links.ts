import type { Tracking } from '../templates/render-message.js';
import type { MailLinks as ScopeLinks } from '../templates/template-scope.js';
import { type LinkTokens, PREVIEW_SEND_ID, TOKEN_LENGTH_MAX } from './link-token.js';

/** The addresses that stand in one mail, all under the public URL. */
export class MailLinks {
  constructor(
    private readonly tokens: LinkTokens,
    private readonly publicUrl: string,
  ) {}

  /** Links that mean the person, for templates and headers. */
  of(sendId: string): ScopeLinks {
    return {
      unsubscribeUrl: `${this.publicUrl}/u/${this.tokens.write({ kind: 'unsubscribe', sendId })}`,
      preferencesUrl: `${this.publicUrl}/p/${this.tokens.write({ kind: 'preferences', sendId })}`,
    };
  }

  ofPreview(): ScopeLinks {
    return this.of(PREVIEW_SEND_ID);
  }

  /** A destination too long for a link goes into the mail as it is. */
  tracking(sendId: string): Tracking {
    return {
      linkFor: (url) => {
        const token = this.tokens.write({ kind: 'click', sendId, url });
        return token.length > TOKEN_LENGTH_MAX ? url : `${this.publicUrl}/c/${token}`;
      },
      pixelUrl: `${this.publicUrl}/o/${this.tokens.write({ kind: 'open', sendId })}.gif`,
    };
  }

  /** RFC 8058: one address, to which a mail program may POST. */
  headers(sendId: string): { readonly [name: string]: string } {
    return {
      'List-Unsubscribe': `<${this.of(sendId).unsubscribeUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    };
  }
}
