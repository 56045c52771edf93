import type { Browser, BrowserContext, Page } from 'playwright-core';
import { buildPages, findBrowser, openBrowser } from '../web/play/browser.js';
import { EMAIL, PASSWORD, startConsole, type PlayConsole } from '../web/play/start-console.js';
import { PEOPLE } from '../web/play/world.js';

const executable = findBrowser();
if (executable === null) console.warn('The browser tests of the console are skipped: there is no chromium or google-chrome on the PATH, and CHROMIUM names none.');

jest.setTimeout(60_000);

(executable === null ? describe.skip : describe)('the console in a browser', () => {
  let browser: Browser;
  let pages: Awaited<ReturnType<typeof buildPages>>;
  let played: PlayConsole;
  let context: BrowserContext;
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    [pages, browser] = await Promise.all([buildPages(), openBrowser(executable as string)]);
  });

  afterAll(async () => {
    await browser?.close();
    await pages?.remove();
  });

  beforeEach(async () => {
    played = await startConsole({ pagesDir: pages.dir });
    await open({ width: 1440, height: 900 });
  });

  afterEach(async () => {
    await context.close();
    await played.close();
    expect(troubles).toEqual([]);
  });

  async function open(viewport: { width: number; height: number }): Promise<void> {
    await context?.close();
    context = await browser.newContext({ viewport, colorScheme: 'light', baseURL: played.url });
    page = await context.newPage();
    page.setDefaultTimeout(8_000);
    troubles = [];
    page.on('pageerror', (error) => troubles.push(error.message));
    // What the browser itself says of answers that are errors is expected where a test makes them.
    page.on('console', (message) => message.type() === 'error' && !message.text().startsWith('Failed to load resource') && troubles.push(message.text()));
    page.on('request', (request) => !request.url().startsWith(played.url) && troubles.push(`a request to ${request.url()}`));
  }

  async function logIn(address = '/'): Promise<void> {
    await page.goto(address);
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: /^Connection: Live/ }).waitFor();
  }

  const list = (name: 'Changes' | 'Events') => page.getByRole('list', { name, exact: true });
  const person = () => page.getByRole('region', { name: 'Person' });

  test('a wrong login says so and keeps what was typed; a right one leads to the address that was asked for', async () => {
    await page.goto('/?segment=high-value');
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('do not belong together').waitFor();
    expect(await page.getByLabel('E-mail').inputValue()).toBe(EMAIL);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'High value' }).getByText('Engagement score over 80').waitFor();
  });

  test('signing out ends it; a session that ends elsewhere asks again and goes on at the same place', async () => {
    await logIn('/?person=userId%3A42');
    await person().getByRole('tab', { name: 'Traits' }).waitFor();
    await context.clearCookies();
    await page.getByText('Your session has ended').waitFor();
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await person().getByRole('tab', { name: 'Traits' }).waitFor();

    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
  });

  test('segments show count, state and freshness', async () => {
    await logIn();
    const row = (name: string) => page.getByRole('row', { name });
    expect(await row('Warm Prospects').textContent()).toMatch(/lag 8 ms.*3,9\d\d/);
    // An event is known that is newer than what the segment has counted.
    played.publishEvent(1);
    await row('Dormant').getByText('lag 4.2 s').waitFor();
    expect(await row('Spring sale 2027').textContent()).toContain('filling');
    await row('High value').getByRole('link').click();
    const segment = page.getByRole('region', { name: 'High value' });
    await segment.getByText('Stays while').waitFor();
    await segment.getByText(/\d+ entered/).first().waitFor();
    expect(page.url()).toContain('segment=high-value');
  });

  test('a change appears by itself, is counted, and leads to its person', async () => {
    await logIn();
    await list('Changes').waitFor({ state: 'attached' });
    played.publishChange(1);
    const row = list('Changes').getByRole('listitem').first();
    await row.waitFor();
    expect(await row.textContent()).toMatch(/@shop\.example(entered|left)/);
    await page.getByRole('row').filter({ hasText: /\+1|−1/ }).first().waitFor();
    const address = await row.getByRole('link').first().textContent();
    await row.getByRole('link').first().click();
    await person().getByRole('button', { name: `Copy ${address}` }).waitFor();
  });

  test('an event appears with what tells it from others, and opens to show all of it', async () => {
    await logIn();
    played.publishEvent(1);
    const row = list('Events').getByRole('listitem').first();
    await row.getByRole('button').click();
    expect(await row.locator('pre').textContent()).toContain('"userId"'.replaceAll('"', ''));
    await row.getByRole('button', { expanded: true }).waitFor();
  });

  test('a paused list stands still, says how many wait, and goes on where it was', async () => {
    await logIn();
    played.publishEvent(1);
    await list('Events').getByRole('listitem').first().waitFor();
    await page.getByRole('button', { name: 'Pause events' }).click();
    for (let n = 2; n < 7; n++) played.publishEvent(n);
    await page.getByRole('button', { name: 'Paused · 5 new' }).waitFor();
    expect(await list('Events').getByRole('listitem').count()).toBe(1);
    await page.getByRole('button', { name: 'Go on with events' }).click();
    await page.waitForFunction(() => document.querySelectorAll('ol[aria-label="Events"] > li').length === 6);
  });

  test('a filter shows what matches, also of what came before', async () => {
    await logIn();
    const someone = PEOPLE[3]?.userId as string;
    for (let n = 0; n < 300; n++) played.publishEvent(n);
    await page.getByLabel('Filter events').fill(`userId:${someone}`);
    await page.waitForFunction((user) => {
      const rows = [...document.querySelectorAll('ol[aria-label="Events"] > li')];
      return rows.length > 1 && rows.every((row) => row.textContent?.includes(`user ${user}`) || row.textContent?.startsWith('Identify'));
    }, someone);
    await page.getByLabel('Filter events').fill('no event says this');
    await page.getByText('Nothing that matches yet').waitFor();
  });

  test('somebody is found by keyboard alone, and why they are in a segment is told', async () => {
    await logIn();
    await page.keyboard.press('/');
    await page.keyboard.type('42');
    await page.getByRole('option', { name: 'userId 42' }).waitFor();
    await page.keyboard.press('Enter');
    await person().getByRole('heading', { name: /\w+ \w+/ }).first().waitFor();
    await page.getByRole('tab', { name: 'Segments' }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const why = person().getByRole('list', { name: 'Why' });
    await why.waitFor();
    expect(await why.textContent()).toMatch(/holds:/);
    await person().getByText('if nothing happens').waitFor();
    await page.getByRole('tab', { name: 'Segments' }).focus();
    await page.keyboard.press('ArrowRight');
    await person().getByRole('list', { name: 'Timeline' }).getByText(/Entered|Left/).first().waitFor();
    await page.keyboard.press('ArrowRight');
    await person().getByText('orders_90d').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Who is in, and why').waitFor();
  });

  test('nobody by this reference, a service that is down, a broken log: each is said, and gets well by itself', async () => {
    const url = new URL(played.url);
    played.upstream.overrides.set('/segmentation/v1/segments', (request) => request.socket.destroy());
    await logIn('/?person=userId%3Anobody');
    await person().getByText('Nobody by this reference').waitFor();
    await page.getByText('The segments could not be loaded').waitFor();
    played.upstream.overrides.clear();
    await page.getByRole('link', { name: /Hot Leads/ }).waitFor();

    await played.close();
    await page.getByRole('button', { name: 'Connection: Reconnecting' }).waitFor();
    played = await startConsole({ pagesDir: pages.dir, port: Number(url.port) });
    await page.getByRole('button', { name: 'Connection: Live' }).waitFor({ timeout: 15_000 });
    played.publishChange(5);
    await list('Changes').getByRole('listitem').first().waitFor();
  });

  test('the theme is the system’s until another is chosen, and that one stays', async () => {
    await logIn();
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.getByRole('button', { name: 'Light theme' }).click();
    expect(await background()).toBe(light);
    await page.reload();
    expect(await background()).toBe(light);
  });

  test.each([[1440, 900], [1100, 800], [768, 1024], [390, 844]])('at %d px nothing is wider than the window, and everything can be reached', async (width, height) => {
    await open({ width, height });
    await logIn();
    for (let n = 0; n < 20; n++) {
      played.publishChange(n);
      played.publishEvent(n);
    }
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (width <= 860) {
      for (const part of ['Segments', 'Events', 'Changes']) {
        await page.getByRole('navigation').getByRole('link', { name: part }).click();
        await page.getByRole('region', { name: part }).waitFor();
        expect(await overflow()).toBe(0);
      }
    }
    await page.goto('/?person=userId%3A42');
    await person().getByRole('tab', { name: 'Timeline' }).click();
    await person().getByRole('list', { name: 'Timeline' }).waitFor();
    expect(await overflow()).toBe(0);
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, input')].filter((one) => !(one.getAttribute('aria-label') || one.textContent?.trim() || (one as HTMLInputElement).labels?.length)).map((one) => one.outerHTML),
    );
    expect(nameless).toEqual([]);
  });
});
