/** Track events by which the product itself is told something; any source may send events of these names. */

/** A person's decision about a purpose. */
export const CONSENT_UPDATED = 'Consent Updated';

/** A profile came on a static list or went from it. Only one of our services can say that. */
export const LIST_MEMBERSHIP_CHANGED = 'List Membership Changed';
