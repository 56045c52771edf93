// The built-in segments of the demo, and its automation.

export const demoSegments = [
  { key: 'hot-leads', name: 'Hot Leads', description: 'Engagement above 70', rule: { score: 'engagement', op: 'gt', value: 70 } },
  { key: 'warm-prospects', name: 'Warm Prospects', description: 'Engagement from 30 to 70', rule: { score: 'engagement', op: 'between', value: [30, 70] } },
  { key: 'cold-contacts', name: 'Cold Contacts', description: 'Engagement below 30', rule: { score: 'engagement', op: 'lt', value: 30 } },
  { key: 'high-value', name: 'High value', description: 'Enters above 80, stays down to 50', rule: { score: 'engagement', op: 'gt', value: 80 }, stay: { score: 'engagement', op: 'gte', value: 50 } },
  {
    key: 'dormant', name: 'Dormant', description: 'Ordered before, but not in the last 30 days',
    rule: { and: [{ performed: 'Order Completed' }, { not: { performed: 'Order Completed', within: '30d' } }] },
  },
  {
    key: 'cart-abandoned', name: 'Cart abandoned', description: 'Started a checkout and did not order within 30 minutes; for a day',
    rule: { sequence: [{ performed: 'Checkout Started', as: 'checkout' }, { performed: 'Order Completed', within: '30m', where: [{ property: 'cart_id', op: 'equals', ref: 'checkout.cart_id' }], absent: true }], within: '1d' },
  },
  {
    key: 'big-spenders', name: 'Big spenders', description: 'More than 40 in the last 30 days',
    rule: { performed: 'Order Completed', within: '30d', aggregate: { fn: 'sum', property: 'revenue' }, op: 'gt', value: 40 },
  },
] as const;

export const demoAutomation = { key: 'win-back', segment: 'cart-abandoned', on: 'entered', template: 'cart-waiting', purpose: 'email_marketing' } as const;
