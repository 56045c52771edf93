import { Controller, Get } from '@nestjs/common';

/** For whoever runs the process. The console keeps nothing: it is ready as soon as it answers. */
@Controller('health')
export class HealthController {
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  ready(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
